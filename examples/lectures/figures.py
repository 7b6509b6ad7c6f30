"""Figures of claims: one size, the project's colours, and files that are the same bytes whenever they are made anew."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain import colors
from ddtrain.errors import UsageError
from examples.lectures.claims import Finding

COLORS = colors.RUNS  # of what is compared, in its order
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))  # beside colours, for readers who see few
_MOST_BYTES = 100_000  # of a drawing; one of more lines than that is a picture


def save(finding: Finding, directory: Path, number: int) -> Path:
    """Draw a claim's figure into ``NUMBER.svg``, or ``.png`` where a drawing would be too large.

    Raises
    ------
    UsageError : no matplotlib
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("figures need matplotlib", remedy="Install ddtrain[plots], or say --no-figures.") from error
    with matplotlib.rc_context({"svg.hashsalt": "ddtrain", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3}):
        figure = Figure(figsize=(8, finding.height), layout="constrained")
        FigureCanvasAgg(figure)
        finding.draw(figure)
        for kind, about in (("svg", {"Date": None}), ("png", {})):
            drawn = io.BytesIO()
            figure.savefig(drawn, format=kind, dpi=110, metadata=about)
            if len(drawn.getvalue()) <= _MOST_BYTES:
                break
    directory.mkdir(parents=True, exist_ok=True)
    for other in directory.glob(f"{number:02}.*g"):
        other.unlink()
    path = directory / f"{number:02}.{kind}"
    path.write_bytes(drawn.getvalue())
    return path


def curves(axis: Any, lines: Iterable[tuple[str, Any]], x: Any = None) -> None:
    """Lines with labels, each a sequence, or a row a seed: then their median, and the band from lowest to highest."""
    for k, (label, values) in enumerate(lines):
        rows = np.atleast_2d(np.asarray(values, dtype=float))
        at = np.arange(rows.shape[1]) if x is None else np.asarray(x)
        look = {"color": COLORS[k % len(COLORS)], "ls": DASHES[k % len(DASHES)]}
        axis.plot(at, np.median(rows, axis=0), lw=1.4, label=label, **look)
        if len(rows) > 1:
            axis.fill_between(at, rows.min(axis=0), rows.max(axis=0), color=look["color"], alpha=0.15, lw=0)
    axis.legend(fontsize=8)
