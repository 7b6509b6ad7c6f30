"""What a program is called in its help and in its runs: ddtrain, one of its modules, or a script of the user's."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec

import pytest

from ddtrain.commands.program import called, program
from ddtrain.commands.verbs import VERBS
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config import command_line
from ddtrain.trainer.config.config import Config


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


@pytest.mark.parametrize(
    ("argv0", "module", "usage"),
    [
        ("/usr/bin/ddtrain", "", "ddtrain eval"),
        ("/a/ddtrain/__main__.py", "ddtrain.__main__", "python -m ddtrain eval"),
        ("/a/ddtrain/eval.py", "ddtrain.eval", "python -m ddtrain.eval"),
        ("/a/mine.py", "", "python mine.py eval"),
        ("/a/pack/job.py", "pack.job", "python -m pack.job eval"),
        ("-c", "", "ddtrain eval"),
    ],
)
def test_the_help_of_a_verb_names_the_command_that_asked_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv0: str, module: str, usage: str
) -> None:
    monkeypatch.setattr(sys, "argv", [argv0])
    spec = ModuleSpec(module, None, origin=argv0) if module else None
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
    assert called("eval") == usage
    assert VERBS["eval"](["--help"], RECIPES) == 0
    help = capsys.readouterr().out
    assert help.startswith(f"usage: {usage} RUN [RUN ...] [--checkpoint WHICH ...]")
    assert f"mpirun -n 4 {usage} seed-0" in help


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_is_called_by_a_module_under_ddtrain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/ddtrain"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    assert VERBS[verb](["--help"], RECIPES) == 0
    help = capsys.readouterr().out
    assert help.startswith(f"usage: ddtrain {verb} ")
    assert "python -m ddtrain" not in help
