"""The example of a user's own job: right data, and the same figures in one process, on threads and under mpirun."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ellipk

from worlds import mpirun

SCRIPT = Path(__file__).parents[2] / "examples" / "custom_training.py"
TINY = ["--run.steps", "50", "--model.width", "8", "--run.dtype", "float64"]
TINY += ["--data.batch-size", "97"]  # which neither the 4,000 samples nor the three ranks divide


@pytest.fixture
def example(monkeypatch):
    spec = importlib.util.spec_from_file_location("custom_training", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def summary(run_dir):
    return json.loads((run_dir / "summary.json").read_text())


@pytest.fixture
def train(example, monkeypatch):
    """Trains in this process, as the script's last line does; returns the summary."""

    def run(run_dir, *options):
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options, "--run.dir", str(run_dir)])
        with pytest.raises(SystemExit) as end:
            example.ddtrain.main(example.build, example.Pendulum())
        assert end.value.code == 0
        return summary(run_dir)

    return run


def test_the_periods_are_the_pendulums(example):
    data = example.swings(100, 1, "float64")
    x, log_period = data.batch(np.arange(100))
    expected = 4 * np.sqrt(x[:, 0] / 9.81) * ellipk(np.sin(x[:, 1] / 2) ** 2)
    np.testing.assert_allclose(np.exp(log_period), expected, rtol=1e-13)


def test_the_same_figures_however_it_runs(train, tmp_path):
    one = train(tmp_path / "one", *TINY)
    threads = train(tmp_path / "threads", *TINY, "--comm.backend", "threads:3")
    command = [mpirun(), "-n", "3", sys.executable, str(SCRIPT), *TINY, "--run.dir", str(tmp_path / "mpi")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    mpi = summary(tmp_path / "mpi")
    assert [run["ranks"] for run in (one, threads, mpi)] == [1, 3, 3]
    assert [run["backend"] for run in (one, threads, mpi)] == ["local", "threads:3", "mpi"]
    assert mpi["params_sha256"] == threads["params_sha256"]  # both add in rank order
    for name in ("valid_loss", "valid_relative_error"):
        assert mpi[name] == threads[name]
        # One rank's sums round otherwise, by 1e-16; Adam's division by a small root may amplify that ten thousandfold.
        assert threads[name] == pytest.approx(one[name], rel=1e-11)


def test_it_learns_the_period(train, tmp_path):
    figures = train(tmp_path / "run", "--run.epochs", "5", "--model.width", "16")
    assert figures["recipe"] == "custom_training"
    assert figures["valid_relative_error"] < 0.05  # knowing nothing but the mean, one is off by 0.4


def test_its_loss_is_the_one_of_the_option(train, tmp_path):
    squared, huber = (train(tmp_path / name, *TINY, "--loss.name", name)["valid_loss"] for name in ("squared", "huber"))
    assert huber == pytest.approx(squared / 2, rel=0.2), "no error is beyond delta, and Adam does not mind a factor"
    assert huber != squared
