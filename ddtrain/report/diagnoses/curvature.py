"""The curvature around a checkpoint as one HTML file: its figures, and how the Hessian's eigenvalues are spread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import colors
from ddtrain.report.drawing import chart, limits, tables
from ddtrain.report.drawing.chart import Curve
from ddtrain.report.drawing.markup import Markup, tag
from ddtrain.report.page import page
from ddtrain.report.writing import write_page
from ddtrain.runs.diagnosing.curvature_found import CurvatureFound

_PLACES = 60  # of the curve of the spectrum: as many as a table lists
_LEAST = 0.01  # eigenvalues at a place below which it is drawn empty


def write_curvature(found: CurvatureFound, file: Path | str) -> Path:
    """Write the page, and return the file.

    Raises
    ------
    DataError : the file cannot be written
    """
    sections = {
        "Figures": tables.table(["", ""], list(found.rows().items()), found.checkpoint, class_="facts"),
        "Spectrum": _spectrum(found),
    }
    about = f"mean training loss of {found.samples:,} samples, after step {found.step}"
    return write_page(page("curvature", about, sections), Path(file))


def _spectrum(found: CurvatureFound) -> Markup:
    places, counts = spectrum(found)
    curve = Curve("eigenvalues", places, counts, colors.TRAINING, noisy=False)
    how = "all of them, counted" if found.eigenvalues is not None else "by stochastic Lanczos quadrature"
    wide = places[1] - places[0]
    about = (
        f"eigenvalues of {found.parameters:,} in each stretch of {wide:.3g}, {how}; fewer than {_LEAST} drawn as such"
    )
    return tag(
        "div", chart.figure("eigenvalues", [curve], about, "eigenvalue", limits.of_all([counts])), class_="plot wide"
    )


def spectrum(found: CurvatureFound) -> tuple[NDArray[Any], NDArray[Any]]:
    """Places from the smallest to the largest eigenvalue, and how many eigenvalues are around each."""
    low, high = found.extremes.smallest, found.extremes.largest
    wide = (high - low) / (_PLACES - 1) or max(abs(low), 1.0) / _PLACES
    places = low + wide * np.arange(_PLACES)
    if found.eigenvalues is not None:
        edges = np.append(places - wide / 2, places[-1] + wide / 2)
        counts = np.histogram(found.eigenvalues, edges)[0].astype(np.float64)
    else:
        assert found.density is not None, "one of the two is known"
        counts = found.parameters * wide * found.density.at(places, wide / 2)
    return places, np.maximum(counts, _LEAST)
