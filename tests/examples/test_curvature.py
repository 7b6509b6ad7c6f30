"""The example of curvature: right eigenvalues, and the same figures in one process, on threads and under mpirun."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator, eigsh

from ddtrain import flatten, hvp
from worlds import World, mpirun

SCRIPT = Path(__file__).parents[2] / "examples" / "curvature.py"
TINY = ["--samples", "50", "--steps", "20"]  # which three ranks do not divide


@pytest.fixture
def example():
    spec = importlib.util.spec_from_file_location("curvature", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_same_figures_however_it_runs():
    script = [sys.executable, str(SCRIPT), *TINY]
    one = output(*script)
    assert [line.split()[:2] for line in one.splitlines()] == [["step", "0"], ["step", "20"]]
    assert output(*script, "--comm.backend", "threads:3") == one
    assert output(mpirun(), "-n", "3", *script) == one


def test_the_eigenvalue_is_that_of_another_method(example):
    samples = 50
    step, value, eigenvalue, residual, _ = World("threads:3").run(
        lambda comm: next(iter(example.descend(comm, samples)))
    )[0]
    loss, params = example.model_loss(example.network(), example.loss, example.network().init(0, "float64"))
    images = example.data.digits()
    x, y = (images.x_train.reshape(-1, 64)[:samples] - 4.88) / 6.02, images.y_train[:samples]
    mean = lambda p: loss(p, x, y).mean()
    vector, unflatten = flatten(params)
    product = lambda v: flatten(hvp(mean, (params,), unflatten(v)))[0]
    hessian = LinearOperator((len(vector),) * 2, product, dtype=float)
    exact = eigsh(hessian, 1, which="LM", v0=np.ones(len(vector)), return_eigenvectors=False)[0]
    assert step == 0
    assert value == pytest.approx(mean(params), rel=1e-12)
    assert 0 < residual < 1.1e-3 * exact
    assert abs(eigenvalue - exact) < residual  # some eigenvalue is as near as the residual is small
