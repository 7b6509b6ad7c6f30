"""Modules under their former names: importable for one release, with a warning of the present name."""

from __future__ import annotations

import importlib
import sys

import pytest

from ddtrain.former_modules import FORMER


@pytest.mark.parametrize("name", FORMER)
def test_a_former_name_gives_the_present_modules_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if FORMER[name].startswith("autograd.scipy"):
        pytest.importorskip("scipy")
    monkeypatch.delitem(sys.modules, f"ddtrain.{name}", raising=False)
    parent, _, child = f"ddtrain.{name}".rpartition(".")
    with pytest.warns(DeprecationWarning, match=rf"ddtrain\.{name} is ddtrain\.{FORMER[name]} now"):
        former = importlib.import_module(f"ddtrain.{name}")
    present = importlib.import_module(f"ddtrain.{FORMER[name]}")
    public = [key for key in vars(present) if not key.startswith("_")]
    assert public
    assert all(getattr(former, key) is getattr(present, key) for key in public)
    with pytest.raises(AttributeError):
        former.no_such_name  # noqa: B018
    monkeypatch.delattr(importlib.import_module(parent), child, raising=False)


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("ddtrain.nowhere")
