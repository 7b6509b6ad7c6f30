"""``python -m ddtrain.eval``: a run's own figures, ensembles, and what does not belong together."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data import Standardize
from ddtrain.eval import evaluate_runs, main
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import load_trained
from ddtrain.trainer.checkpoint.finder import checkpoints
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.task import Task
from helpers import FEATURES, Net, make_task
from worlds import World, mpirun

SMALL = ("--run.epochs", "3", "--model.hidden", "16", "--run.shards", "3")
SEEDS = (0, 1, 2)


def train(directory: Path, recipe: str, *options: str, recipes: Any = RECIPES) -> Path:
    assert run([recipe, "--run.dir", str(directory), *options], recipes) == 0
    return directory


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three runs of one network with other seeds."""
    shelf = tmp_path_factory.mktemp("runs")
    return [train(shelf / f"seed-{seed}", "digits_mlp", *SMALL, "--run.seed", str(seed)) for seed in SEEDS]


def evaluate(*runs: Path, **how: Any) -> Any:
    return evaluate_runs(LocalCommunicator(), runs, **how)


def said(capsys: pytest.CaptureFixture[str], *argv: Any) -> list[str]:
    capsys.readouterr()
    assert main([str(arg) for arg in argv]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *argv: Any, **how: Any) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(arg) for arg in argv], **how)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ddtrain: error: ")
    assert err.count("\n") == 1
    return code, err.removeprefix("ddtrain: error: ").rstrip("\n")


def test_figures_of_one_run_are_its_own_to_the_last_bit(runs: list[Path]) -> None:
    summary = json.loads((runs[0] / "summary.json").read_text())
    found = evaluate(runs[0], checkpoints=["last"])
    (figures,) = found.members.values()
    assert figures == {name: summary[name] for name in ("valid_loss", "valid_accuracy")}
    assert found.ensemble == {}, "one model is no ensemble"


@pytest.mark.parametrize("backend", ["threads:2", "threads:3", "nodes:001"])
def test_ranks_change_no_bit_with_shards(runs: list[Path], backend: str) -> None:
    alone = evaluate(*runs)
    for found in World(backend).run(lambda comm: evaluate_runs(comm, runs)):
        assert found == alone


def test_the_ensemble_of_probabilities_is_at_most_the_mean_of_its_members(runs: list[Path]) -> None:
    """Jensen: a logarithm of a mean is at least the mean of logarithms, for every sample."""
    found = evaluate(*runs)
    assert found.combine == "probabilities"
    losses = [figures["valid_loss"] for figures in found.members.values()]
    assert len(losses) == 3
    assert min(losses) < max(losses)
    assert found.ensemble["valid_loss"] <= np.mean(losses)


@pytest.mark.parametrize("combine", ["probabilities", "outputs"])
def test_the_ensemble_against_numpy(runs: list[Path], combine: str) -> None:
    members = [load_trained(path) for path in runs]
    valid: Any = members[0].task.valid
    x, labels = valid.batch(np.arange(len(valid)))
    logits = np.array([np.asarray(member.model(x), np.float64) for member in members])
    if combine == "probabilities":
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        logits = np.log(np.mean(e / e.sum(axis=-1, keepdims=True), axis=0))
    else:
        logits = logits.mean(axis=0)
    found = evaluate(*runs, combine=combine).ensemble
    # members' answers are float32
    assert found["valid_loss"] == pytest.approx(ops.cross_entropy(logits, labels).mean(), rel=1e-5)
    assert found["valid_accuracy"] == pytest.approx(np.mean(logits.argmax(axis=-1) == labels))


def test_all_checkpoints_of_a_run_oldest_first(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, runs[1], "--checkpoint", "all")
    steps = [path.name for path in checkpoints(runs[1])[::-1]]
    assert [line.split(":")[0] for line in lines[:-1]] == [str(runs[1] / "checkpoints" / step) for step in steps]
    assert len(steps) == 3
    assert lines[-1].startswith("ensemble of 3, mean of their probabilities: valid_loss ")


def test_paths_and_words_name_each_checkpoint_once(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    newest, older = checkpoints(runs[0])[:2]
    lines = said(capsys, runs[0], runs[0], "--checkpoint", "last", older, newest)
    assert [line.split(":")[0] for line in lines] == [
        str(newest), str(older), "ensemble of 2, mean of their probabilities"
    ]  # fmt: skip


def test_what_is_said_is_the_same_on_threads_and_under_mpirun(
    runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    alone = said(capsys, *runs, "--combine", "outputs")
    assert alone[-1].startswith("ensemble of 3, mean of their outputs: ")
    assert said(capsys, *runs, "--combine", "outputs", "--backend", "threads:3") == alone
    command = [mpirun(), "-n", "2", sys.executable, "-m", "ddtrain.eval", *map(str, runs), "--combine", "outputs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == alone


def test_squares_have_the_mean_of_outputs(tmp_path: Path) -> None:
    few = ("--run.epochs", "1", "--model.hidden", "8", "--model.code", "4")
    both = [train(tmp_path / seed, "digits_autoencoder", *few, "--run.seed", seed) for seed in "01"]
    found = evaluate(*both)
    assert found.combine == "outputs"
    # Jensen holds for squares, too; what is derived is of the ensemble's own loss
    assert found.ensemble["valid_loss"] < np.mean([figures["valid_loss"] for figures in found.members.values()])
    assert found.ensemble["valid_explained"] == 1 - found.ensemble["valid_loss"]


def test_statistics_of_the_population_and_averages_are_what_the_run_evaluated(tmp_path: Path) -> None:
    options = ("--norm.statistics", "population", "--average.name", "ema", "--average.decay", "0.9")
    path = train(tmp_path / "run", "digits_mlp", *SMALL, *options, "--average.evaluate")
    summary = json.loads((path / "summary.json").read_text())
    (figures,) = evaluate(path, checkpoints=["last"]).members.values()
    assert figures["valid_loss"] == summary["valid_loss"]


def test_recipes_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = Config().updated({"data": {"batch_size": 7}, "run": {"epochs": 2}})
    mine = {"mine": Recipe(base, lambda config: make_task(Net(), config.run.dtype), "")}
    path = train(tmp_path / "run", "mine", recipes=mine)
    found = evaluate(path, recipes=mine, checkpoints=["all"])
    assert len(found.members) == 2
    assert found.combine == "outputs", "unless the task says that outputs are logits"
    code, words = refused(capsys, path)
    assert code == 2
    assert words.startswith(f"{path / 'config.toml'}: recipe 'mine' is not known here: There is fashion_cnn")


# -- what is refused -------------------------------------------------------------------------------------------------


def test_a_directory_that_is_no_run(tmp_path: Path, runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = f"{tmp_path}: no run (it has no config.toml): Give the directory of a run."
    assert refused(capsys, tmp_path) == (2, words)
    assert refused(capsys, runs[0], tmp_path, "--backend", "threads:2") == (2, words)


def test_a_run_without_checkpoints(tmp_path: Path, runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(runs[0] / "config.toml", tmp_path)
    assert refused(capsys, tmp_path) == (74, f"{tmp_path}: the run has no checkpoint: Train it for an epoch.")


def test_no_such_checkpoint(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = "newest: no such checkpoint: Give best, last, or a step-... directory."
    assert refused(capsys, runs[0], "--checkpoint", "newest") == (74, words)
    path = checkpoints(runs[0])[0]
    assert refused(capsys, *runs, "--checkpoint", path) == (
        2,
        f"--checkpoint {path} is of one run, and there are {len(runs)}: "
        "Give exactly one RUN with the path of a checkpoint, or best, last or all.",
    )


def test_runs_come_before_checkpoints(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    told = (2, "eval: no RUN is given: Write it first: what follows --checkpoint are checkpoints.")
    assert refused(capsys, "--checkpoint", "best", runs[0]) == told
    assert refused(capsys) == told


def test_a_damaged_checkpoint(tmp_path: Path, runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(runs[0], tmp_path / "run")
    file = checkpoints(tmp_path / "run")[0] / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    code, words = refused(capsys, tmp_path / "run", "--checkpoint", "last", "--backend", "threads:2")
    assert code == 74
    assert words.startswith(f"{file}: damaged: ")


def test_runs_of_other_recipes_models_or_numbers(
    tmp_path: Path, runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    others = {
        "recipe digits_softmax, but {} has digits_mlp": ("digits_softmax", "--run.epochs", "1"),
        "--model.hidden [8], but {} has [16]": ("digits_mlp", "--run.epochs", "1", "--model.hidden", "8"),
        "--run.dtype float64, but {} has float32": ("digits_mlp", *SMALL, "--run.dtype", "float64"),
    }
    for k, (words, options) in enumerate(others.items()):
        other = train(tmp_path / str(k), *options)
        assert refused(capsys, runs[0], other) == (
            2,
            f"{other} has {words.format(runs[0])}: Give runs of one model, or evaluate them one by one.",
        )


def test_runs_with_other_validation_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = Config().updated({"data": {"batch_size": 7}, "run": {"epochs": 1}})
    build = lambda config: make_task(Net(), config.run.dtype, samples=23 + config.run.seed)
    mine = {"mine": Recipe(base, build, "")}
    both = [train(tmp_path / seed, "mine", "--run.seed", seed, recipes=mine) for seed in "03"]
    code, words = refused(capsys, *both, recipes=mine)
    assert code == 2
    assert words.startswith("the runs have different validation data: 12 samples with checksum ")
    assert words.endswith(": Evaluate them one by one.")


def test_runs_whose_inputs_were_prepared_by_other_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The recipe, its options and the validation data are the same, but what was fitted is not."""
    base = Config().updated({"data": {"batch_size": 7}, "run": {"epochs": 1}})

    def build(config: Config) -> Task:
        task = make_task(Net(), config.run.dtype)
        mean = np.full(FEATURES, float(config.run.seed))
        return replace(task, fitted={"inputs": Standardize(mean, np.ones(FEATURES))})

    mine = {"mine": Recipe(base, build, "")}
    both = [train(tmp_path / seed, "mine", "--run.seed", seed, recipes=mine) for seed in "03"]
    code = main(list(map(str, both)), recipes=mine)
    assert code == 2
    words = "what was fitted to data (inputs/mean, inputs/std) is not what the first run has: Evaluate the runs one by"
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("inputs", ["standardize", "whiten(components=20)"])
def test_inputs_are_prepared_as_the_run_prepared_them(tmp_path: Path, inputs: str) -> None:
    path = train(tmp_path / "run", "digits_mlp", *SMALL, "--data.inputs", inputs)
    summary = json.loads((path / "summary.json").read_text())
    for found in World("threads:2").run(lambda comm: evaluate_runs(comm, [path], ["last"])):
        (figures,) = found.members.values()
        assert figures["valid_loss"] == summary["valid_loss"]


def test_more_ranks_than_shards(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, words = refused(capsys, runs[0], "--backend", "threads:4")
    assert code == 2
    assert words.startswith("--run.shards 3 is less than the 4 ranks that share them")


def test_tasks_without_validation_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = train(tmp_path / "run", "shakespeare_glove", "--run.steps", "1", "--model.width", "2")
    code, words = refused(capsys, path)
    assert (code, words) == (2, "there is no validation data to evaluate on: Give runs of a task that has some.")


def test_help_and_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["run", "--combine", "vote"]) == 2
    assert main([]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_backend_that_is_none(runs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = refused(capsys, runs[0], "--backend", "threads:x")
    assert code == 2


def test_every_member_is_reported_when_it_is_found(runs: list[Path]) -> None:
    def body(comm: Communicator) -> list[Path]:
        seen: list[Path] = []
        found = evaluate_runs(comm, runs, report=lambda path, figures: seen.append(path))
        assert seen == list(found.members)
        return seen

    assert len(World("threads:2").run(body)[1]) == 3
