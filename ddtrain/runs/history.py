"""The figures of a run over its steps: columns of metrics.jsonl as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.errors import UsageError, quoted
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.file_names import LOG
from ddtrain.trainer.records import metrics

_PLACES = ("step", "epoch")  # of a line, beside its figures


class History(Mapping[str, NDArray[Any]]):
    """Figures by name, each an array over the steps or the evaluations that have it, in order.

    Parameters
    ----------
    lines : of a metrics.jsonl: a dict a step, and a dict an evaluation. One more evaluation at the end, with
        batch-norm's statistics of the population, is left to the summary

    Raises
    ------
    UsageError : there is no such figure, with the nearest

    >>> lines = [{"step": 1, "epoch": 1, "loss": 2.0}, {"step": 2, "epoch": 1, "loss": 1.0}]
    >>> history = History([*lines, {"step": 2, "epoch": 1, "valid_loss": 1.5}])
    >>> history["loss"], history["valid_loss"], history.steps("valid_loss")
    (array([2., 1.]), array([1.5]), array([2]))
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self._lines = [line for line in lines if "statistics" not in line]
        self._names = list(dict.fromkeys(name for line in self._lines for name in line if name not in _PLACES))

    @classmethod
    def read(cls, directory: Path) -> History:
        """Of a run's directory; empty if it has not taken a step."""
        path = directory / LOG
        return cls(metrics.read(path) if path.exists() else ())

    def __getitem__(self, name: str) -> NDArray[Any]:
        self._require(name)
        return np.array([float(line[name]) for line in self._lines if name in line])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def steps(self, name: str) -> NDArray[Any]:
        """The steps of a figure's values, counted from 1."""
        self._require(name)
        return np.array([int(line["step"]) for line in self._lines if name in line])

    @property
    def epoch(self) -> int:
        """The epoch of the latest step, counted from 1; 0 before the first."""
        return int(self._lines[-1].get("epoch", 0)) if self._lines else 0

    def frame(self) -> Any:
        """A pandas frame of all lines, with a column a figure, NaN where a line has none.

        Raises
        ------
        UsageError : pandas is not installed
        """
        try:
            import pandas
        except ImportError:
            raise UsageError("history.frame(): pandas is not installed", remedy="pip install pandas") from None
        return pandas.DataFrame([{name: _number(value) for name, value in line.items()} for line in self._lines])

    def _require(self, name: str) -> None:
        if name not in self._names:
            hint = did_you_mean(name, self._names)
            known = f"There is {', '.join(self._names)}." if self._names else "No step has been taken."
            raise UsageError(f"the run has no figure {quoted(name)}", remedy=f"{hint} {known}".lstrip())

    def __repr__(self) -> str:
        return f"History({', '.join(f'{name}: {len(self[name])}' for name in self)})"


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, str) else value  # NaN and infinities are strings in JSON
