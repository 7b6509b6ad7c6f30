"""The example of nearest words: a line for each word, of a short run, and what is refused."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from ddtrain import data
from ddtrain.recipes import RECIPES
from ddtrain.trainer.main import run

SCRIPT = Path(__file__).parents[2] / "examples" / "nearest_words.py"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nearest_words", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def glove(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("runs") / "glove"
    few = {title: text[:40_000] for title, text in list(data.plays().items())[:2]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "plays", lambda: few)
        assert run(["shakespeare_glove", "--run.steps", "5", "--run.dir", str(directory)], RECIPES) == 0
        yield directory


def test_five_words_for_each(example: ModuleType, glove: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert example.main([str(glove), "the", "love", "zzz"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["the", "love", "zzz"]
    assert [len(line.split()) for line in lines[:2]] == [6, 6]
    assert "the" not in lines[0].split()[1:]
    assert lines[2].endswith("(not in the vocabulary)")


def test_without_words_there_are_twenty(example: ModuleType, glove: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert example.main([str(glove)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(example.WORDS) == 20


def test_what_is_no_run_is_refused(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main([]) == 2
    capsys.readouterr()
    assert example.main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: no run")
