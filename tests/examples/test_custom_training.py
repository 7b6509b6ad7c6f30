"""The example of a user's own job: right data, and the same figures in one process, on threads and under mpirun."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ellipk
from worlds import mpirun

SCRIPT = Path(__file__).parents[2] / "examples" / "custom_training.py"
TINY = ["--run.steps", "50", "--model.width", "8", "--data.batch-size", "97", "--run.dtype", "float64"]  # a ragged batch


@pytest.fixture
def example():
    return runpy.run_path(str(SCRIPT))


def summary(run_dir):
    figures = json.loads((run_dir / "summary.json").read_text())
    assert figures["recipe"] == "custom_training"
    assert figures["steps"] == 50
    return figures


def train(example, monkeypatch, run_dir, *options):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *TINY, "--run.dir", str(run_dir), *options])
    with pytest.raises(SystemExit) as end:
        example["ddtrain"].main(example["build"], example["Pendulum"]())
    assert end.value.code == 0
    return summary(run_dir)


def test_the_periods_are_the_pendulums(example):
    data = example["swings"](100, 1, "float64")
    x, log_period = data.batch(np.arange(100))
    expected = 4 * np.sqrt(x[:, 0] / 9.81) * ellipk(np.sin(x[:, 1] / 2) ** 2)
    np.testing.assert_allclose(np.exp(log_period), expected, rtol=1e-13)


def test_the_same_figures_however_it_runs(example, monkeypatch, tmp_path):
    one = train(example, monkeypatch, tmp_path / "one")
    threads = train(example, monkeypatch, tmp_path / "threads", "--comm.backend", "threads:3")
    command = [mpirun(), "-n", "3", sys.executable, str(SCRIPT), *TINY, "--run.dir", str(tmp_path / "mpi")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    mpi = summary(tmp_path / "mpi")
    assert (one["ranks"], threads["ranks"], mpi["ranks"]) == (1, 3, 3)
    assert one["backend"] != threads["backend"] != mpi["backend"]
    assert mpi["params_sha256"] == threads["params_sha256"]  # sums go in rank order under both
    for name in ("valid_loss", "valid_relative_error"):
        assert mpi[name] == threads[name]
        # Other partial sums round otherwise, by 1e-16; Adam's division by a small root may amplify that a thousandfold.
        assert threads[name] == pytest.approx(one[name], rel=1e-11)


def test_it_learns_the_law(example, monkeypatch, tmp_path):
    options = ["--run.steps", "400", "--model.width", "16", "--run.epochs", "10", "--data.batch-size", "100"]
    monkeypatch.setitem(globals(), "TINY", [])
    monkeypatch.setitem(globals(), "summary", lambda run_dir: json.loads((run_dir / "summary.json").read_text()))
    figures = train(example, monkeypatch, tmp_path / "run", *options)
    assert figures["valid_relative_error"] < 0.02  # a guess of the mean period is off by half
