"""What a program with a recipe of its own is called, in its help and in its runs."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

import pytest

from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.main import program


@pytest.mark.parametrize(
    ("argv0", "module", "name", "usage"),
    [
        ("/a/mine.py", "", "mine", "python mine.py"),
        ("/a/pack/__main__.py", "pack.__main__", "pack", "python -m pack"),
        ("/a/pack/job.py", "pack.job", "job", "python -m pack.job"),
        ("/a/pack/__main__.py", "", "pack", "python pack.py"),
        ("pack", "", "pack", "python pack.py"),
        ("-c", "", "custom", "python"),
        ("", "", "custom", "python"),
    ],
)
def test_a_program_is_named_by_its_script_its_package_or_neither(
    monkeypatch: pytest.MonkeyPatch, argv0: str, module: str, name: str, usage: str
) -> None:
    spec = ModuleSpec(module, None, origin=argv0) if module else None
    monkeypatch.setattr(sys, "argv", [argv0])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
    found, prog = program()
    help = command_line.parse(["--help"], {found: (Config, "")}, only=found, prog=prog).help
    assert (found, help.splitlines()[0]) == (name, f"usage: {usage} [--config run.toml] [--section.key value ...]")
