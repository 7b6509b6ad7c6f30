"""Figures as pictures, with matplotlib from the extra ``plots``; their colours are those of ``ddtrain/colors.py``."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from typing import Any

from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import replace

SUFFIXES = (".png", ".svg", ".pdf")


def check(file: str, option: str = "--plot") -> None:
    """Whether a picture can be made of this file name, asked before an hour of measurements rather than after.

    Raises
    ------
    UsageError : no matplotlib, or a kind of picture that it is not asked for here

    >>> check("")
    """
    if not file:
        return
    if Path(file).suffix not in SUFFIXES:
        raise UsageError(f"{option} {file}: unknown kind of picture", remedy=f"End it in {', '.join(SUFFIXES)}.")
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError(f"{option} needs matplotlib", remedy="Install ddtrain[plots], or leave the option out.")


def axes(rows: int, columns: int, width: float = 4.2, height: float = 3.2) -> tuple[Any, Any]:
    """A figure without a screen behind it, and its (rows, columns) axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def ranks_axis(axis: Any, sizes: list[int]) -> None:
    """Numbers of ranks from left to right, doubling at even distances."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(n) for n in sizes])
    axis.minorticks_off()
    axis.set_xlabel("ranks")
    axis.grid(alpha=0.3)


def save(figure: Any, file: str) -> None:
    """Write the picture; a reader sees a whole one or the old one.

    Raises
    ------
    DataError : the file cannot be written
    """
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(file).suffix[1:], dpi=130)
    replace(file, picture.getvalue())
