"""Arithmetic as loops: operations on entries that C and NumPy round alike, several of them in one pass.

Note [What is a loop]
Sums, differences, products, quotients and square roots are rounded correctly by IEEE 754, in NumPy and in C, so a loop
has NumPy's bits as long as the compiler contracts nothing (``-ffp-contract=off``). Exponentials and the like have no
such rule, and stay with whoever computes them elsewhere. Operands are whole arrays in C order, numbers, or arrays that
are repeated along the leading axes, such as a bias.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FORMULAS = {
    "add": "{} + {}",
    "accumulate": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "divide": "{} / {}",
    "negative": "-{}",
    "square": "{0} * {0}",
    "sqrt": "ddtrain_sqrt({})",
}


@dataclass(eq=False)
class Loop:
    """One operation over all entries of its result.

    Attributes
    ----------
    target, operands : their places; numbers stand for themselves
    result, args : the arrays, for shapes and dtypes
    """

    name: str
    target: Any
    operands: Sequence[Any]
    result: Any
    args: Sequence[Any]

    @property
    def inner(self) -> int:
        """How many entries of the result a repeated operand has; all of them where none is repeated."""
        sizes = {a.size for a in self.args if isinstance(a, np.ndarray) and a.size > 1} | {self.result.size}
        return min(sizes)


def takes(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> bool:
    """Whether an operation can be a loop.

    >>> x = np.ones((4, 3), np.float32)
    >>> takes("add", [x, x[0]], {}, x), takes("add", [x, x[:, :1]], {}, x), takes("exp", [x], {}, x)
    (True, False, False)
    """
    if name not in FORMULAS or kwargs or not isinstance(result, np.ndarray) or result.dtype.char not in "fd":
        return False
    arrays = [a for a in args if isinstance(a, np.ndarray)]
    if not arrays or len(args) > 2 or not result.size:
        return False
    for a in args:
        if isinstance(a, np.ndarray):
            trailing = a.shape == result.shape[result.ndim - a.ndim :] if a.ndim <= result.ndim else False
            if a.dtype != result.dtype or not a.flags.c_contiguous or not (trailing or a.size == 1):
                return False
        elif type(a) not in (int, float) or not math.isfinite(a):
            return False
    return len({a.size for a in arrays} - {1, result.size}) <= 1
