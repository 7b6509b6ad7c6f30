"""What BLAS says of itself; nothing where there is none that is known."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from threadpoolctl import ThreadpoolController

from ddtrain import blas

needs_openblas = pytest.mark.skipif(not blas.core(), reason="NumPy computes with another BLAS")


@needs_openblas
def test_threads_can_be_limited_when_numpy_is_loaded() -> None:
    before = blas.threads()
    assert blas.limit(2)
    assert blas.threads() == 2
    assert blas.limit(before)
    assert blas.threads() == before


@needs_openblas
def test_the_core_is_the_one_asked_for() -> None:
    command = [sys.executable, "-c", "import numpy; from ddtrain import blas; print(blas.core())"]
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Nehalem"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout in ("Nehalem\n", f"{blas.core()}\n")  # a build for one kind of processor has no choice


def test_nothing_is_known_of_another_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "_loaded", lambda: ThreadpoolController().select(user_api="nobody's"))
    assert (blas.core(), blas.threads(), blas.limit(1)) == ("", 0, False)
