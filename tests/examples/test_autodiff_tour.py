"""The tour runs, and what it prints is true."""

import runpy
from pathlib import Path

import numpy as np
import pytest

TOUR = Path(__file__).parents[2] / "examples" / "autodiff_tour.py"


@pytest.fixture
def tour():
    return runpy.run_path(str(TOUR))


def test_it_prints_its_five_parts(tour, capsys):
    tour["main"]()
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines if not line.startswith(" ")] == ["1", "2", "3", "4", "5"]
    assert "   loss 2.7726 with gradient [-0.81   1.255 -1.805] before training" in lines  # 4 log 2


def test_the_gradient_is_the_lectures(tour):
    w, x, t = np.array([0.1, -0.2, 0.3]), tour["inputs_ND"], tour["targets_N"]
    expected = x.T @ (1 / (1 + np.exp(-x @ w)) - t)
    np.testing.assert_allclose(tour["grad"](tour["training_loss"])(w), expected, rtol=1e-12)


def test_training_descends_and_classifies(tour):
    trained = tour["train"](np.zeros(3))
    assert tour["training_loss"](trained) < 0.05
    np.testing.assert_array_equal(tour["predictions"](trained, tour["inputs_ND"]) > 0.5, tour["targets_N"])


def test_newton_converges(tour):
    _, slope = tour["newton"](np.zeros(3))
    assert np.linalg.norm(slope) < 1e-9
