"""Contours lie where the surface has their height, closed or from edge to edge, and say in words what they show."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from pages import Page

from ddtrain.report.drawing.contours import chains, figure, levels
from ddtrain.report.page import page

A, B = np.linspace(-2.0, 3.0, 21), np.linspace(-1.0, 1.0, 13)
BOWL = 0.3 * A**2 + 2 * B[:, None] ** 2


def height(surface: Any, point: tuple[float, float]) -> float:
    """By straight interpolation along the edge on which a point lies."""
    column, row = point
    c, r = int(column), int(row)
    assert column == c or row == r, "on an edge of the grid"
    other = surface[min(r + (row > r), len(surface) - 1), min(c + (column > c), surface.shape[1] - 1)]
    return float(surface[r, c] + (other - surface[r, c]) * (column - c + row - r))


@pytest.mark.parametrize("level", [0.05, 0.4, 1.0, 2.2])
def test_every_point_has_the_height_and_lines_end_at_the_picture_or_in_themselves(level: float) -> None:
    found = chains(BOWL, level)
    assert found
    for chain in found:
        assert [height(BOWL, point) for point in chain] == pytest.approx([level] * len(chain), abs=1e-12)
        ends = chain[0], chain[-1]
        if ends[0] != ends[1]:
            assert all(p in (0, len(A) - 1) or q in (0, len(B) - 1) for p, q in ends)
    crossings = int((np.diff(level < BOWL, axis=0)).sum() + (np.diff(level < BOWL, axis=1)).sum())
    assert sum(len(chain) - (chain[0] == chain[-1]) for chain in found) == crossings, "each crossing once"


@pytest.mark.parametrize("seed", range(5))
def test_a_rugged_surface_is_parted_into_what_is_above_and_below(seed: int) -> None:
    surface = np.random.default_rng(seed).standard_normal((12, 9))
    for level in (-0.5, 0.0, 0.7):
        found = chains(surface, level)
        crossings = int((np.diff(surface > level, axis=0)).sum() + (np.diff(surface > level, axis=1)).sum())
        assert sum(len(chain) - (chain[0] == chain[-1]) for chain in found) == crossings
        for chain in found:
            steps = np.abs(np.diff(np.array(chain), axis=0))
            assert steps.max() <= 1.0, "a line never leaves a cell without crossing its edge"


@pytest.mark.parametrize(("corner", "apart"), [(0.4, "the low corners"), (-0.4, "the high corners")])
def test_a_saddle_is_joined_as_its_mean_says(corner: float, apart: str) -> None:
    """Opposite corners are alike: where the mean is above the level, the high ones are joined, else the low ones."""
    surface = np.array([[corner, 1.0], [1.0, corner]])
    found = chains(surface, 0.5)
    assert len(found) == 2
    for chain in found:
        (p, q), (r, s) = chain
        around = (round((p + r) / 2), round((q + s) / 2))  # the corner that the line cuts off
        is_low = surface[around[1], around[0]] < 0.5
        assert is_low == (apart == "the low corners")


def test_what_is_not_finite_is_left_out_with_a_cross() -> None:
    surface = BOWL.copy()
    surface[0, 0], surface[5, 7] = np.inf, np.nan
    drawn = figure("loss", A, B, surface, np.zeros((0, 2)), [], ("one", "two"))
    assert drawn.count('class="odd"') == 2
    assert "2 not finite" in drawn
    for level in levels(surface):
        assert all(np.isfinite(height(surface, point)) for chain in chains(surface, level) for point in chain)


def test_levels_share_the_picture_whatever_the_surface_does_at_its_end() -> None:
    exploding = np.exp(BOWL * 20)
    found = levels(exploding)
    assert found == sorted(found)
    shares = [(exploding < level).mean() for level in found]
    np.testing.assert_allclose(np.diff(shares), 1 / 9, atol=0.04)
    assert levels(np.ones((3, 3))) == []
    assert levels(np.full((3, 3), np.nan)) == []


def test_a_path_is_drawn_and_told_and_what_is_beyond_is_said() -> None:
    path = np.array([[9.0, 0.5], [1.0, 0.5], [0.0, 0.0]])
    drawn = figure("loss", A, B, BOWL, path, ["step 1", "step 2", "step 3"], ("one", "two"))
    seen = Page(page("a", "", {"b": drawn}))
    assert "path of 3 points from step 1 at (9, 0.5) to step 3 at (0, 0)" in seen.text
    assert "beyond the picture, drawn at its edge: step 1" in seen.text
    assert "from 0 at (0, 0) to 4.7 at (3, -1)" in seen.text
    xs = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn)]
    assert max(xs) <= 400
    assert len(xs) == 4  # three points, and a ring around the last
