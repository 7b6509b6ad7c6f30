"""The learning rate beside the largest that the loss's curvature allows, from RUN/curvature.jsonl.

A line is ``{"step": 100, "largest": 18.2, "smallest": -0.4, "lr": 0.1, "stable_lr": 0.11}``.
"""

from __future__ import annotations

import numpy as np

from ddtrain import colors
from ddtrain.report.drawing import chart, limits
from ddtrain.report.drawing.chart import Curve
from ddtrain.report.drawing.markup import Markup, tag
from ddtrain.report.sections.subject import Subject, lines_of

FILE = "curvature.jsonl"


def curvature(subject: Subject) -> Markup | None:
    """Two figures: eigenvalues of the Hessian, and the rate with its limit; None without the file.

    Raises
    ------
    ValueError : the file is of another form
    """
    lines = list(lines_of(subject.run.path / FILE))
    if not lines:
        return None
    steps = np.array([line["step"] for line in lines])

    def curve(label: str, key: str, color: str, dash: str = "") -> Curve:
        return Curve(label, steps, np.array([line.get(key, np.nan) for line in lines], float), color, dash, noisy=False)

    eigenvalues = [curve("largest", "largest", colors.TRAINING), curve("smallest", "smallest", colors.OTHER, "6 3")]
    rates = [curve("lr", "lr", colors.UPDATE), curve("largest stable", "stable_lr", colors.CEILING, "6 3")]
    return tag(
        "div",
        chart.figure("eigenvalues of the Hessian", eigenvalues),
        chart.figure("rate and limit", rates, upward=limits.of_all([each.y for each in rates])),
        class_="grid",
    )
