"""Learning curves by matplotlib, for notebooks and papers; ``ddtrain report`` needs none."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ddtrain import colors
from ddtrain.bench import plots
from ddtrain.report.drawing import limits
from ddtrain.runs.quantities import BESIDE, quantities

if TYPE_CHECKING:
    from ddtrain.runs.history import History

_MARKED = 50  # values up to which each has a mark


class Picture(Figure):
    """A figure that notebooks show, whether or not pyplot has been imported there."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def draw(history: History, names: Sequence[str], title: str, file: Path | str | None) -> Figure:
    """Draw figures over steps, a panel a quantity; see :meth:`ddtrain.Run.plot`."""
    plots.check("" if file is None else str(file), "run.plot: file")
    rooms = quantities(names or [name for name in history if name not in BESIDE])
    figure = Picture(figsize=(4.2 * len(rooms), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10)
    for axis, room in zip(figure.subplots(1, len(rooms), squeeze=False)[0], rooms.values()):
        _panel(axis, history, room)
    if file is not None:
        plots.save(figure, str(file))
    return figure


def _panel(axis: Any, history: History, names: Sequence[str]) -> None:
    shown = limits.of_curves([history[name] for name in names])
    axis.set_yscale("log" if shown.log else "linear")
    for name in names:
        _line(axis, history, name, shown)
    axis.set_ylim(shown.low, shown.high)
    axis.set_xlabel("step")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)


def _line(axis: Any, history: History, name: str, shown: limits.Limits) -> None:
    """A line, and at the edge what is beyond it (triangles) or no number (crosses)."""
    x, y, color = history.steps(name), history[name], colors.of_figure(name)
    axis.plot(x, y, "o-" if len(x) <= _MARKED else "-", ms=3, lw=1.4, color=color, label=name)
    for mark, odd, at in (
        ("^", np.isfinite(y) & (y > shown.high), shown.high),
        ("v", np.isfinite(y) & (y < shown.low), shown.low),
        ("x", ~np.isfinite(y), shown.high),
    ):
        if odd.any():
            axis.plot(x[odd], np.full(int(odd.sum()), at), mark, ms=5, color=color, clip_on=False)
