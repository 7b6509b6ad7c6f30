"""Kernels by both who may answer: the reference in NumPy, and its compiled twin."""

from __future__ import annotations

import pytest

from ddtrain.kernels import native


@pytest.fixture(params=["native", "reference"])
def each_implementation(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test twice: with the twins, and with the references alone."""
    if request.param == "reference":
        for twin in native.TWINS:
            monkeypatch.setattr(twin.kernel, "twin", None)
    return str(request.param)
