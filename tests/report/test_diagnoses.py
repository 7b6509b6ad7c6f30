"""Pages on a landscape and on curvature: in order for a browser, with words for what is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import Page

from ddtrain.diagnose.curvature.spectrum import Density, Extremes
from ddtrain.errors import DataError
from ddtrain.report.diagnoses import write_curvature, write_landscape
from ddtrain.report.diagnoses.curvature import spectrum
from ddtrain.runs.diagnosing.curvature_found import CurvatureFound
from ddtrain.runs.diagnosing.landscape_found import LineFound, PlaneFound

X = np.linspace(-1.0, 1.0, 9)
PLANE = PlaneFound(
    "runs/<mine>/step-3", "pca", X, X, X**2 + 2 * X[:, None] ** 2 + 0.1, np.array([[-0.5, 0.9], [0.0, 0.0]]),
    [1, 3], (0.8, 0.15), 64,
)  # fmt: skip
LINE = LineFound(("a", "b"), X, 1 + X**2, 64)
VALUES = np.sort(np.random.default_rng(0).standard_normal(500) ** 3)


def curvature(values: Any = VALUES, density: Density | None = None) -> CurvatureFound:
    dense = None if density else values
    return CurvatureFound(
        "runs/mine/step-3",
        3,
        len(values),
        64,
        2,
        0.5,
        0.1,
        Extremes.of(values, values.dtype),
        density,
        dense,
        [],
        None,
        0.1,
        0.2,
        32,
    )


def test_a_plane_has_contours_the_path_and_words(tmp_path: Path) -> None:
    seen = Page(write_landscape(PLANE, tmp_path / "plane.html").read_text())
    assert "runs/<mine>/step-3" in seen.text
    assert "path of 2 points from step 1 at (-0.5, 0.9) to step 3 at (0, 0)" in seen.text
    assert "95% of its squared way" in seen.text
    assert "80% of the path" in seen.text


def test_a_line_has_a_curve_over_places(tmp_path: Path) -> None:
    seen = Page(write_landscape(LINE, tmp_path / "line.html").read_text())
    assert "loss: 9 values, from 2 at place -1 to 2 at place 1" in seen.text
    assert "0: a; 1: b" in seen.text


def test_a_spectrum_counts_every_eigenvalue_once(tmp_path: Path) -> None:
    places, counts = spectrum(curvature())
    assert counts[counts >= 1].sum() == len(VALUES)
    assert (places[0], places[-1]) == pytest.approx((VALUES[0], VALUES[-1]))
    seen = Page(write_curvature(curvature(), tmp_path / "curvature.html").read_text())
    assert "all of them, counted" in seen.text
    assert "condition number" in seen.text


def test_a_density_is_scaled_to_the_number_of_eigenvalues(tmp_path: Path) -> None:
    every = Density(len(VALUES), VALUES[None], np.full((1, len(VALUES)), 1 / len(VALUES)), np.array([VALUES.sum()]))
    found = curvature(VALUES, every)
    _, counts = spectrum(found)
    assert counts.sum() == pytest.approx(len(VALUES), rel=0.05)
    assert "stochastic Lanczos quadrature" in Page(write_curvature(found, tmp_path / "c.html").read_text()).text


def test_one_eigenvalue_is_a_spectrum(tmp_path: Path) -> None:
    Page(write_curvature(curvature(np.array([2.0, 2.0])), tmp_path / "one.html").read_text())


@pytest.mark.parametrize(("write", "found"), [(write_landscape, PLANE), (write_curvature, curvature())])
def test_a_file_that_cannot_be_written_is_one_line(write: Any, found: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot write"):
        write(found, tmp_path / "nowhere" / "x.html")
