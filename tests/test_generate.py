"""``python -m ddtrain.generate``: the same text for the same seed, draws by the model's probabilities, and errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import data, rng
from ddtrain.generate import draw, generate, main
from ddtrain.recipes import RECIPES
from ddtrain.recipes.language import LanguageTask
from ddtrain.recipes.trained import load_trained
from ddtrain.trainer.main import run

SMALL = {
    "shakespeare_nnlm": ["--model.hidden", "16", "--data.batch-size", "256"],
    "shakespeare_char": ["--model.hidden", "16", "--data.batch-size", "16"],
    "shakespeare_gpt": ["--model.width", "16", "--model.layers", "1", "--data.batch-size", "16"],
}


@pytest.fixture(scope="module", autouse=True)
def two_acts() -> Iterator[None]:
    """Of two plays the beginning, which is read in no time."""
    few = {title: text[:40_000] for title, text in list(data.plays().items())[:2]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "plays", lambda: few)
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a short run of each language model, and one of digits."""
    directory = tmp_path_factory.mktemp("runs")
    for name, options in [*SMALL.items(), ("digits_softmax", [])]:
        argv = [name, "--run.steps", "20", "--run.dir", str(directory / name), *options]
        assert run(argv, RECIPES) == 0
    options = ["--model.carry", "--model.layers", "2", "--model.cell", "lstm", "--run.dtype", "float32"]
    argv = ["shakespeare_char", "--run.steps", "20", *SMALL["shakespeare_char"], *options]
    assert run([*argv, "--run.dir", str(directory / "carried")], RECIPES) == 0
    return directory


def written(capsys: pytest.CaptureFixture[str], *argv: Any) -> str:
    capsys.readouterr()
    assert main([str(arg) for arg in argv]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *argv: Any) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(arg) for arg in argv])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ddtrain: error: ")
    assert err.count("\n") == 1
    return code, err.removeprefix("ddtrain: error: ").rstrip("\n")


@pytest.mark.parametrize("name", [*SMALL, "carried"])
def test_a_seed_determines_the_text(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [written(capsys, runs / name, "--length", 80, "--seed", seed) for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("name", ["shakespeare_char", "shakespeare_gpt", "carried"])
def test_characters_go_on_after_the_prompt(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, runs / name, "--length", 90, "--prompt", "ORLANDO.\n")
    assert text.startswith("ORLANDO.\n")
    assert len(text) == len("ORLANDO.\n") + 90 + 1
    known = set("".join(data.plays().values()))
    assert set(text) <= known


def test_words_go_on_after_the_prompt_and_none_is_unknown(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = written(capsys, runs / "shakespeare_nnlm", "--length", 300, "--prompt", "my good zzz")
    assert text.startswith("my good zzz ")
    assert len(data.words(text)) == 303
    assert "<unk>" not in text


def test_a_longer_text_begins_like_a_shorter_one(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short, long = (written(capsys, runs / "shakespeare_gpt", "--length", n) for n in (20, 90))
    assert long.startswith(short[:-1])


def test_without_temperature_the_seed_does_not_matter(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [runs / "shakespeare_char", "--length", 30]
    cold, other = (written(capsys, *options, "--temperature", 0, "--seed", seed) for seed in (0, 1))
    assert cold == other == written(capsys, *options, "--top-k", 1, "--seed", 2)


def test_best_last_and_a_path(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = runs / "shakespeare_gpt"
    path = next((run_dir / "checkpoints").glob("step-*"))
    texts = {written(capsys, run_dir, "--checkpoint", which) for which in ("best", "last", path)}
    assert len(texts) == 1, "there is one checkpoint"


def test_it_is_a_program(runs: Path) -> None:
    nowhere = runs / "nowhere"
    command = [sys.executable, "-m", "ddtrain.generate", str(nowhere)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"ddtrain: error: {runs / 'nowhere'}: no run (it has no config.toml): Give the directory of a run.\n"
    )


def test_what_is_no_language_model_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, runs / "digits_softmax")
    assert (code, said) == (
        2,
        f"{runs / 'digits_softmax'}: recipe digits_softmax is no language model: Give a run of one that is.",
    )


def test_a_checkpoint_that_is_not_there_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, runs / "shakespeare_gpt", "--checkpoint", "newest")
    assert (code, said) == (74, "newest: no such checkpoint: Give best, last, or a step-... directory.")


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("--length", "0", "1 or more"),
        ("--temperature", "-1.0", "a finite number, 0 or more"),
        ("--temperature", "inf", "a finite number, 0 or more"),
        ("--top-k", "-1", "0 (all) or more"),
        ("--seed", "-1", "0 or more"),
    ],
)
def test_options_out_of_range_are_refused(
    option: str, value: str, remedy: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, runs / "shakespeare_gpt", option, value) == (
        2,
        f"{option} {value} is out of range: Give {remedy}.",
    )


def test_a_prompt_of_unknown_tokens_is_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, runs / "shakespeare_nnlm", "--prompt", "zzz qqq")
    assert (code, said) == (2, "--prompt 'zzz qqq': the model knows none of it: Give words of the plays.")


def test_tokens_are_drawn_by_their_probabilities() -> None:
    draws = rng.stream(0, "test")
    scores = np.log(np.array([0.5, 0.3, 0.2]))
    counts = np.bincount([draw(scores, 1.0, 0, draws) for _ in range(4000)]) / 4000
    np.testing.assert_allclose(counts, [0.5, 0.3, 0.2], atol=0.03)
    counts = np.bincount([draw(scores, 0.5, 0, draws) for _ in range(4000)]) / 4000
    np.testing.assert_allclose(counts, np.array([25, 9, 4]) / 38, atol=0.03)
    counts = np.bincount([draw(scores, 1.0, 2, draws) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(counts, [5 / 8, 3 / 8, 0], atol=0.03)


def test_an_impossible_token_is_never_drawn() -> None:
    draws = rng.stream(1, "test")
    assert {draw(np.array([-np.inf, 0.0, -np.inf]), 1.0, 0, draws) for _ in range(200)} == {1}


def test_length_is_the_number_of_new_tokens() -> None:
    class Task:
        def go_on(self, model: Any, tokens: Any, state: Any) -> Any:
            seen = (state or 0) + len(tokens)
            return np.eye(4)[seen % 4] * 50, seen

    seen = [*generate(Task(), None, [1], 5, temperature=1.0, top_k=0, seed=0)]  # type: ignore[arg-type]
    assert len(seen) == 5
    assert 0 not in seen
    assert seen[:2] == [1, 2]


class Rereads:
    """Reads all of the text again for each token."""

    def go_on(self, model: Any, tokens: Any, state: Any) -> Any:
        seen = [*(state or ()), *tokens]
        return model(np.array([seen]))[0, -1], seen


def test_a_carried_state_is_all_that_was_written(runs: Path) -> None:
    """For texts longer than a run of training, which is all that a model without a carried state sees."""
    trained = load_trained(runs / "carried")
    task, model = trained.task, trained.model
    assert isinstance(task, LanguageTask)
    tokens = np.random.default_rng(0).integers(1, len(task.vocabulary), 3 * task.context).tolist()
    state: Any = None
    for start, end in ((0, 50), (50, 51), (51, 150), (150, len(tokens))):
        scores, state = task.go_on(model, tokens[start:end], state)
        # in float32, sums of as many terms over as many tokens
        np.testing.assert_allclose(scores, model(np.array([tokens[:end]]))[0, -1], rtol=1e-5, atol=1e-6)
    whole, rereading = ([*generate(each, model, tokens, 40, 1.0, 0, seed=3)] for each in (task, Rereads()))
    assert whole == rereading


def test_a_model_without_a_carried_state_sees_a_run(runs: Path) -> None:
    trained = load_trained(runs / "shakespeare_char")
    task, model = trained.task, trained.model
    assert isinstance(task, LanguageTask)
    tokens = np.random.default_rng(0).integers(1, len(task.vocabulary), 2 * task.context).tolist()
    _, state = task.go_on(model, tokens)
    scores, _ = task.go_on(model, [5], state)
    np.testing.assert_array_equal(scores, model(np.array([[*tokens[1 - task.context :], 5]]))[0, -1])
