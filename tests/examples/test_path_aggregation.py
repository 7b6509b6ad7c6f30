"""Counts of paths and edges, and that both ways of adding up give the derivative."""

import runpy
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "path_aggregation.py"


@pytest.fixture
def example():
    return runpy.run_path(str(SCRIPT))


def closed(depth, x):
    """The chain rule along x <- x cos x."""
    slope = 1.0
    for _ in range(depth):
        slope, x = slope * (np.cos(x) - x * np.sin(x)), x * np.cos(x)
    return slope


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_both_sums_are_the_derivative(example, depth):
    row = example["measure"](depth)
    assert (row["paths"], row["edges"]) == (2**depth, 3 * depth)
    for name in ("summed", "collected", "grad"):
        np.testing.assert_allclose(row[name], closed(depth, example["START"]), rtol=1e-13)


def test_the_table_goes_to_65536_paths(example, capsys):
    example["main"]([])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split()[:3] == ["16", "65536", "48"]
    assert len(lines) == 1 + len(example["DEPTHS"]), "and no plot unless asked for"


def test_the_plot(example, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    example["plot"]([example["measure"](depth) for depth in (1, 2)], tmp_path / "paths.png")
    assert (tmp_path / "paths.png").read_bytes().startswith(b"\x89PNG")
