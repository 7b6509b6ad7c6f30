"""Curves: a figure for every quantity of the runs' logs, training and validation together."""

from __future__ import annotations

from collections.abc import Sequence

from ddtrain import colors
from ddtrain.report.drawing import chart
from ddtrain.report.drawing.chart import Curve
from ddtrain.report.drawing.markup import Markup, tag
from ddtrain.report.sections.subject import Subject
from ddtrain.runs.quantities import kind_of, quantities

_TITLES = {"lr": "learning rate", "grad_norm": "norm of the gradient", "samples_per_s": "samples per second"}


def curves(subjects: Sequence[Subject]) -> Markup | None:
    """A figure a quantity; several runs are laid over one another."""
    names = dict.fromkeys(name for subject in subjects for name in subject.history)
    drawn = [_figure(base, found, subjects) for base, found in quantities(names).items()]
    return tag("div", *drawn, class_="grid") if drawn else None


def _figure(base: str, names: Sequence[str], subjects: Sequence[Subject]) -> Markup:
    lines = [
        _curve(subject, base, name, nth, alone=len(subjects) == 1)
        for subject in subjects
        for nth, name in enumerate(names)
        if name in subject.history
    ]
    return chart.figure(_TITLES.get(base, base), lines)


def _curve(subject: Subject, base: str, name: str, nth: int, alone: bool) -> Curve:
    """Alone, a run has a colour for each kind of data; among others, a colour of its own, and dashes for validation."""
    x, y = subject.history.steps(name), subject.history[name]
    kind, noisy = kind_of(base, name), base != "lr"
    if alone:
        return Curve(kind, x, y, colors.of_figure(name), "" if nth < 2 else "6 3", noisy)
    label = subject.label if kind == "training" else f"{subject.label}: {kind}"
    return Curve(label, x, y, subject.color, subject.dash if kind == "training" else "4 3", noisy)
