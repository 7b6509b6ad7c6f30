"""The tables of values are those one computes by hand."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "worked_examples.py"


@pytest.fixture
def example():
    return runpy.run_path(str(SCRIPT))


def columns(text):
    """name -> (value, tangent, adjoint) of one table."""
    found = re.findall(r"^   (\w+) += .*?\s(-?\d+\.\d+) +(-?\d+\.\d+) +(-?\d+\.\d+)$", text, re.MULTILINE)
    return {name: tuple(map(float, numbers)) for name, *numbers in found}


def test_the_logistic_neuron(example, capsys):
    w, x, b, t = 0.8, 1.5, -0.4, 1.0
    example["table"](example["logistic_loss"], w, x, b, t)
    z = w * x + b
    e = np.exp(-z)
    y = 1 / (1 + e)
    values = [w * x, z, -z, e, 1 + e, y, y - t, (y - t) ** 2, (y - t) ** 2 / 2]
    dy = x * y * (1 - y)
    forward = [x, x, -x, -x * e, -x * e, dy, dy, 2 * (y - t) * dy, (y - t) * dy]
    slope = (y - t) * y * (1 - y)
    reverse = [slope, slope, -slope, -(y - t) * y**2, -(y - t) * y**2, y - t, y - t, 0.5, 1.0]
    seen = columns(capsys.readouterr().out)
    assert list(seen) == ["w", "x", "b", "t", *(f"t{k}" for k in range(1, 10))]
    expected = zip(values, forward, reverse)
    for k, row in enumerate(expected):
        np.testing.assert_allclose(seen[f"t{k + 1}"], row, atol=6e-7)  # printed to six places
    np.testing.assert_allclose(seen["w"], (w, 1.0, slope * x), atol=6e-7)


def test_all_three_agree_with_closed_forms_and_with_grad(example, capsys):
    example["main"]()
    out = capsys.readouterr().out
    assert [line[0] for line in out.splitlines() if not line.startswith(" ")] == ["1", "2", "3"]
    differences = re.findall(r"difference (\S+)$", out, re.MULTILINE)
    differences += re.findall(r"differ from these by (\S+)$", out, re.MULTILINE)
    assert len(differences) == 7 + 3
    assert max(map(float, differences)) <= 1e-15


def test_forward_mode_of_the_output_is_reverse_mode_of_the_input(example, capsys):
    example["table"](example["product_and_sine"], 0.5, 4.2, wrt=1)
    seen = columns(capsys.readouterr().out)
    assert seen["t3"][1] == seen["y"][2] == 0.5
