"""Modules under their former names: importable for one release, with a warning of the present name."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from typing import Any

import pytest

import ddtrain
from ddtrain.former_modules import ALSO, FORMER, FORMER_NAMES, RENAMED


@pytest.mark.parametrize("name", FORMER)
def test_a_former_name_gives_the_present_modules_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if FORMER[name].startswith("autograd.scipy"):
        pytest.importorskip("scipy")
    monkeypatch.delitem(sys.modules, f"ddtrain.{name}", raising=False)
    parent, _, child = f"ddtrain.{name}".rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a package under its former name
        package = importlib.import_module(parent)
    monkeypatch.setattr(package, child, getattr(package, child, None), raising=False)  # put back at the end
    with pytest.warns(DeprecationWarning, match=rf"ddtrain\.{name} is ddtrain\.{FORMER[name]} now"):
        former = importlib.import_module(f"ddtrain.{name}")
    present = importlib.import_module(f"ddtrain.{FORMER[name]}")
    public = [key for key in vars(present) if not key.startswith("_")]
    assert public
    assert all(getattr(former, key) is getattr(present, key) for key in public)
    with pytest.raises(AttributeError):
        former.no_such_name  # noqa: B018


def test_functions_that_are_called_as_a_module_was_still_work() -> None:
    """Importing a submodule makes it an attribute of its package, in place of the function: in a new process."""
    program = """
import ddtrain.autodiff.fused, ddtrain.autodiff.graph, ddtrain.comm.launcher
from ddtrain import Config, nn  # which make fused operations
from ddtrain.autodiff import graph
from ddtrain.comm import launcher
assert "multiply(x, x)" in str(graph(lambda x: x * x, 2.0))
assert launcher().size == 1
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stderr == ""


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("ddtrain.nowhere")


@pytest.mark.parametrize("name", FORMER_NAMES)
def test_a_name_that_ddtrain_exported_is_found_where_it_is_now(name: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"ddtrain\.{name} is ddtrain\.{FORMER_NAMES[name]}\.{name} now"):
        found = getattr(ddtrain, name)
    assert found is getattr(importlib.import_module(f"ddtrain.{FORMER_NAMES[name]}"), name)


def test_a_name_that_never_was_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"module 'ddtrain' has no attribute 'no_such_name'"):
        ddtrain.no_such_name  # noqa: B018


def test_recomputation_has_left_its_name_to_the_module_of_checkpoints() -> None:
    program = """
import ddtrain
try:
    ddtrain.checkpoint(abs)
except AttributeError as error:
    assert "is ddtrain.autodiff.checkpoint(f) now" in str(error), error
from ddtrain import checkpoint
assert callable(checkpoint.main)
"""
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60).stderr == ""


def former_module(name: str) -> Any:
    """A module under its former name, imported by now without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"ddtrain.{name}")


@pytest.mark.parametrize("renamed", sorted(RENAMED))
def test_what_was_renamed_with_its_module_is_found(renamed: str) -> None:
    """Under each of the names, in some former module, whose successors have the present name."""
    owners = [
        name
        for name in FORMER
        if not name.startswith(("bench", "autograd", "numpy"))
        and any(
            hasattr(importlib.import_module(f"ddtrain.{other}"), RENAMED[renamed])
            for other in (FORMER[name], *ALSO.get(name, ()))
        )
    ]
    assert owners
    former = former_module(owners[0])
    with pytest.warns(
        DeprecationWarning, match=rf"ddtrain\.{owners[0]}\.{renamed} is ddtrain\..*\.{RENAMED[renamed]} now"
    ):
        getattr(former, renamed)


@pytest.mark.parametrize("name", ALSO)
def test_a_module_that_was_parted_gives_all_of_its_parts(name: str) -> None:
    former = former_module(name)
    for part in ALSO[name]:
        present = importlib.import_module(f"ddtrain.{part}")
        own = [key for key, value in vars(present).items() if getattr(value, "__module__", "") == present.__name__]
        assert own
        assert all(getattr(former, key) is getattr(present, key) for key in own if not key.startswith("_"))


def test_what_is_gone_is_said_with_the_place_to_look() -> None:
    former = former_module("trainer.lane")
    with pytest.raises(AttributeError, match=r"lane has moved to ddtrain.trainer.step.gradient_buffer, which has"):
        former.no_such_thing  # noqa: B018


def test_main_is_found_in_its_former_place() -> None:
    from ddtrain.trainer import main as module

    with pytest.warns(DeprecationWarning, match=r"^ddtrain.trainer.main.main is ddtrain.main now$"):
        assert module.main is ddtrain.main
    with pytest.raises(AttributeError, match="no attribute 'man'"):
        module.man  # noqa: B018 -- it raises
