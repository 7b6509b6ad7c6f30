"""Plays that are read in no time."""

from __future__ import annotations

import pytest

from ddtrain import data


@pytest.fixture(scope="session")
def beginnings() -> dict[str, str]:
    """Of two plays the beginning."""
    return {title: text[:40_000] for title, text in list(data.plays().items())[:2]}


@pytest.fixture(autouse=True)
def two_acts(monkeypatch: pytest.MonkeyPatch, beginnings: dict[str, str]) -> None:
    """All recipes read these plays."""
    monkeypatch.setattr(data, "plays", lambda: beginnings)
