"""The verbs predict, eval and export, of a script's runs: what they leave, and mistakes in one line."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import ddtrain
from ddtrain import nn, ops
from ddtrain.commands import script
from ddtrain.data import ArrayData, Names, PreparedInputs, Subset
from ddtrain.data.inputs import Inputs
from ddtrain.runs import Run, predict
from ddtrain.runs.run_predictions import fitting
from ddtrain.trainer.checkpoint import finder, writer
from ddtrain.trainer.config.config import Config

COLUMNS = ["size", "rooms", "age"]
rows = np.random.default_rng(0)
RAW = rows.standard_normal((40, 3)) * (30, 2, 10) + (80, 3, 40)
LABELS = (RAW[:, 0] > 80).astype(int)


def build(config: Any) -> ddtrain.Task:
    prepared = PreparedInputs(Inputs(name="standardize"), ArrayData(RAW[:20]), config.run.dtype)
    whole = ArrayData(RAW, LABELS, transform=prepared)
    train, valid, test = (Subset(whole, np.arange(*part)) for part in ((0, 20), (20, 30), (30, 40)))
    loss = lambda model, x, y: (ops.cross_entropy(model(x), y), {"accuracy": ops.correct(model(x), y)})
    fitted = {"inputs": prepared, "columns": Names(COLUMNS)}
    return ddtrain.Task(nn.Linear(3, 2), loss, train, valid, fitted=fitted, test=test, class_names=["small", "large"])


def call(*argv: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        script.main(build, Config(), [str(arg) for arg in argv])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory = tmp_path_factory.mktemp("runs") / "mine"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mine.py"])
        assert call("--run.epochs", 3, "--optim.lr", 0.5, "--data.batch-size", 5, "--run.dir", directory) == 0
    return Run(directory)


@pytest.fixture(autouse=True)
def _as_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py"])


def expected(run: Run, x: Any, checkpoint: str = "best") -> Any:
    """By hand: with the moments of the training samples."""
    scaled = (x - RAW[:20].mean(0)) / RAW[:20].std(0)
    return predict(run.load(nn.Linear(3, 2), checkpoint), scaled)


@pytest.mark.parametrize("backend", ["local", "threads:3"])
def test_predictions_of_raw_samples(run: Run, backend: str, tmp_path: Path) -> None:
    x = RAW[30:]
    np.save(tmp_path / "x.npy", x)
    table = np.column_stack([LABELS[30:], x[:, ::-1]])
    lines = [",".join(["label", *COLUMNS[::-1]]), *(",".join(map(repr, map(float, row))) for row in table)]
    (tmp_path / "x.csv").write_text("\n".join(lines))
    for name in ("x.npy", "x.csv"):
        path = tmp_path / f"{name}.y.npy"
        assert call("predict", run.path, tmp_path / name, "-o", path, "--backend", backend, "--batch-size", 3) == 0
        # the moments are those of float64 sums in another order
        np.testing.assert_allclose(np.load(path), expected(run, x), rtol=1e-5, atol=1e-6)
    assert call("predict", run.path, tmp_path / "x.csv", "-o", tmp_path / "y.csv", "--checkpoint", "last") == 0
    assert (tmp_path / "y.csv").read_text().splitlines()[0] == "small,large"


def test_rows_of_a_table_take_the_shape_of_pictures() -> None:
    pictures = ddtrain.Task(nn.Flatten(), lambda model, x: model(x)[:, 0], train=(np.zeros((3, 2, 2, 1), np.uint8),))
    found = fitting(pictures, np.arange(8.0).reshape(2, 4), "x.csv")
    assert (found.shape, found.dtype) == ((2, 2, 2, 1), np.uint8)
    assert found.ravel().tolist() == list(range(8))


def test_eval_has_the_figures_of_the_run_and_those_of_the_test_set(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("eval", run.path, "--checkpoint", "last") == 0
    shown = capsys.readouterr().out
    figures = dict(part.split(" ") for part in shown.partition(": ")[2].strip().split(", "))
    assert float(figures["valid_loss"]) == pytest.approx(run.summary["valid_loss"], rel=1e-5)  # six digits are shown
    scores = expected(run, RAW[30:], "last")
    assert float(figures["test_accuracy"]) == pytest.approx((scores.argmax(1) == LABELS[30:]).mean(), rel=1e-5)
    assert not any("test" in name for name in run.summary)


def test_exported_tensors_are_the_best_checkpoints(run: Run, tmp_path: Path) -> None:
    assert call("export", run.path, "--to", "safetensors", "-o", tmp_path / "m.safetensors") == 0
    found = safetensors.numpy.load((tmp_path / "m.safetensors").read_bytes())
    bound = run.load(nn.Linear(3, 2))
    np.testing.assert_array_equal(found["weight"], bound.weight.T)
    assert call("export", run.path, "--to", "npz") == 0
    np.testing.assert_array_equal(np.load(run.path / "model.npz")["weight"], found["weight"])


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (
            ["predict", "RUN", "wide.npy", "-o", "y.csv"],
            74,
            "has samples of 5 numbers, (5,), and the run was trained on 3",
        ),
        (["predict", "RUN", "absent.npy", "-o", "y.csv"], 74, "absent.npy: cannot be read"),
        (["predict", "RUN", "x.npy", "-o", "y.txt"], 2, "y.txt"),
        (["predict", "RUN", "x.npy", "-o", "nowhere/y.csv"], 74, "nowhere"),
        (["predict", "RUN", "x.npy", "-o", "y.csv", "--batch-size", "0"], 2, "batch_size is 0"),
        (["predict", "RUN", "x.npy"], 2, "-o/--output"),
        (["predict", "none", "x.npy", "-o", "y.csv"], 2, "none: no run (it has no config.toml)"),
        (["predict", "EMPTY", "x.npy", "-o", "y.csv"], 74, "the run has no checkpoint"),
        (["predict", "OTHER", "x.npy", "-o", "y.csv"], 74, "not of the model"),
        (["predict", "RUN", "x.npy", "-o", "y.csv", "--checkpoint", "step-9"], 74, "step-9: no such checkpoint"),
        (["export", "EMPTY", "--to", "npz"], 74, "the run has no checkpoint"),
        (["export", "OTHER", "--to", "npz"], 74, "not of the model"),
        (["export", "none", "--to", "npz"], 2, "none: no run"),
        (["export", "RUN", "--to", "pt"], 2, "--to: invalid choice: 'pt'"),
        (["export", "RUN"], 2, "--to"),
        (["eval", "EMPTY"], 74, "the run has no checkpoint"),
        (["eval", "none"], 2, "none: no run"),
    ],
)
def test_mistakes_are_one_line(
    argv: list[str],
    code: int,
    said: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", RAW[30:])
    np.save("wide.npy", np.ones((2, 5)))
    (tmp_path / "EMPTY").mkdir()
    shutil.copy(run.path / "config.toml", "EMPTY")
    shutil.copytree(run.path, "OTHER")
    if "OTHER" in argv:
        _give_it_another_model(tmp_path / "OTHER")
    assert call(*[str(run.path) if arg == "RUN" else arg for arg in argv]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ddtrain: error: ")
    assert said in line


def _give_it_another_model(directory: Path) -> None:
    snapshot = finder.load(directory).snapshot
    shutil.rmtree(directory / "checkpoints")
    object.__setattr__(snapshot, "model", {"other": np.ones(3)})
    writer.write(directory, snapshot)
