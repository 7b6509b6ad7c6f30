"""Shell completion: every verb, recipe and option is in it, and a shell completes by it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ddtrain.__main__ import main
from ddtrain.commands.completion import SHELLS, whole_parser
from ddtrain.commands.verbs import VERBS
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config import options
from ddtrain.trainer.config.config import Config


def test_the_parser_has_every_verb_recipe_and_option() -> None:
    verbs = next(action.choices for action in whole_parser(RECIPES)._actions if action.dest == "verb")
    assert list(verbs) == list(VERBS)
    for verb in ("train", "check"):
        assert set(options.names(Config())) <= set(verbs[verb]._option_string_actions)
        recipe = next(action for action in verbs[verb]._actions if action.dest == "recipe")
        assert list(recipe.choices) == list(RECIPES)
    assert "--temperature" in verbs["generate"]._option_string_actions
    dtype = verbs["train"]._option_string_actions["--run.dtype"]
    assert list(dtype.choices) == ["float32", "float64"]


def test_no_verb_is_done_while_its_parser_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    whole_parser(RECIPES)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab")
    assert main(["--completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in (*VERBS, *RECIPES, "optim.lr"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["ddtrain", "ch"], "check checkpoint"),
        (["ddtrain", "train", "fashion_l"], "fashion_lenet"),
        (["ddtrain", "check", "--optim.moment"], "--optim.momentum --optim.momentum-form"),
        (["ddtrain", "train", "--run.dtype", "float3"], "float32"),
    ],
)
def test_bash_completes(words: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab")
    main(["--completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    line = " ".join(words)
    ask = (
        f'source ./script; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _shtab_ddtrain ddtrain "{words[-1]}" '
        f'"{words[-2]}"; echo "${{COMPREPLY[@]}}"'
    )
    bash = shutil.which("bash")
    assert bash is not None
    told = subprocess.run([bash, "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.split() == expected.split()


def test_a_shell_that_is_not_known_and_a_missing_library_are_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--completion", "ksh"]) == 2
    assert "invalid choice: 'ksh'" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--completion", "bash"]) == 2
    assert "pip install 'ddtrain[completion]'" in capsys.readouterr().err
