"""``r_`` and ``c_``: NumPy's joining by brackets, of traced parts too.

What they do is to arrange entries, so NumPy is asked to arrange the entries' numbers, and the entries follow.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ddtrain.autodiff import value_of
from ddtrain.autodiff.core.array_lists import gather, holds_box
from ddtrain.errors import DerivativeError
from ddtrain.numpy.creation import linspace
from ddtrain.numpy.elementwise.casts import astype
from ddtrain.numpy.manipulation.indexing import take
from ddtrain.numpy.manipulation.joining import concatenate
from ddtrain.numpy.manipulation.shapes import ravel, shape, size

__all__ = ["c_", "r_"]


class AxisConcatenator:
    """What is between the brackets, joined as NumPy's object of that name does.

    >>> AxisConcatenator("r_")[[1.0, 2.0], 0, 3:5]
    array([1., 2., 0., 3., 4.])
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.__doc__ = getattr(np, name).__doc__

    def __getitem__(self, key: Any) -> Any:
        numpys = getattr(np, self.name)
        parts = key if isinstance(key, tuple) else (key,)
        if not any(holds_box((p.start, p.stop) if isinstance(p, slice) else p) for p in parts):
            return numpys[key]
        directive = parts[:1] if isinstance(parts[0], str) else ()
        if directive and directive[0] in ("r", "c"):
            raise DerivativeError(
                f"{self.name}: {directive[0]!r} makes a matrix, whose products a trace would not follow",
                remedy="Leave it out, and use @ for products.",
            )
        parts = tuple(
            _range(p) if isinstance(p, slice) else gather(p) if holds_box(p) else p for p in parts[len(directive) :]
        )
        dtype = numpys[(*directive, *map(value_of, parts))].dtype
        starts = itertools.accumulate(map(size, parts), initial=0)
        numbers = [np.arange(start, start + size(p)).reshape(shape(p)) for start, p in zip(starts, parts, strict=False)]
        entries = concatenate([astype(ravel(p), dtype) for p in parts])
        return take(entries, numpys[(*directive, *numbers)])

    def __len__(self) -> int:
        return 0


def _range(s: slice) -> Any:
    """The numbers that a slice stands for; as many as its step says, if that is imaginary."""
    if not holds_box((s.start, s.stop)):
        return np.r_[s]
    if not isinstance(s.step, complex):
        raise DerivativeError(
            "a range with a traced end has no derivative: how many numbers it holds would depend on it",
            remedy="Say how many by an imaginary step, start:stop:5j.",
        )
    return linspace(0 if s.start is None else s.start, s.stop, int(abs(s.step)))


r_, c_ = AxisConcatenator("r_"), AxisConcatenator("c_")
