"""A landscape as one HTML file: contours of the loss with the run's path on them, or its curve along a line."""

from __future__ import annotations

from pathlib import Path

from ddtrain import colors
from ddtrain.report.drawing import chart, contours, limits
from ddtrain.report.drawing.chart import Curve
from ddtrain.report.drawing.markup import Markup, join, tag
from ddtrain.report.page import page
from ddtrain.report.writing import write_page
from ddtrain.runs.diagnosing.landscape_found import LineFound, PlaneFound

_KINDS = {
    "random": "Two random directions whose filters are as long as the network's (Li et al., arXiv:1712.09913).",
    "pca": "The two principal components of the path of the run's checkpoints, in units of length.",
}


def write_landscape(found: LineFound | PlaneFound, file: Path | str) -> Path:
    """Write the page, and return the file.

    Raises
    ------
    DataError : the file cannot be written
    """
    figure = _line(found) if isinstance(found, LineFound) else _plane(found)
    body = join(tag("p", str(found)), figure)
    about = f"mean training loss of {found.samples:,} samples"
    return write_page(page("loss landscape", about, {"Landscape": body}), Path(file))


def _line(found: LineFound) -> Markup:
    curve = Curve("loss", found.at, found.losses, colors.TRAINING, noisy=False)
    about = f"0: {found.ends[0]}; 1: {found.ends[1]}"
    return chart.figure("loss along the line", [curve], about, "place", limits.of_all([found.losses]))


def _plane(found: PlaneFound) -> Markup:
    names = [f"step {step}" for step in found.steps]
    shares = [f"{share:.0%} of the path" for share in found.shares]
    labels = f"first direction, {shares[0]}", f"second direction, {shares[1]}"
    drawn = contours.figure("loss on the plane", found.a, found.b, found.losses, found.path, names, labels)
    return join(tag("p", f"{_KINDS[found.kind]} (0, 0) is {found.centre}.", class_="note"), drawn)
