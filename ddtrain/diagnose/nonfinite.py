"""``--run.debug``: a tape that looks at every result, and names the operation that first made a NaN or infinity.

It is an ordinary reverse-mode trace that also remembers the user's line of each step, so that a cotangent that goes
bad on the way back is traced to the line that wrote the operation.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff import Primitive, Tape, value_of
from ddtrain.errors import NonFiniteError
from ddtrain.source import calling_line


class CheckedTape(Tape):
    """A tape for one forward and backward pass over ``rows`` samples.

    Raises
    ------
    NonFiniteError : from the operation whose result, or whose derivative, is the first with NaN or infinity; its
        place holds the line, and the row when the first axis is the sample
    """

    __slots__ = ("rows", "steps")
    checks = True

    def __init__(self, n_leaves: int, rows: int = -1) -> None:
        super().__init__(n_leaves)
        self.rows = rows
        self.steps: dict[int, tuple[str, Sequence[int], str]] = {}  # name, argnums, line; the walk frees the entries

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[int],
    ) -> int:
        index = super().process(prim, ans, args, kwargs, argnums, nodes)
        self.steps[index] = (prim.__name__, argnums, calling_line(sys._getframe(2)))
        if prim.joint is None:
            self.checked_answer(prim, ans)
        return index

    def checked_answer(self, prim: Primitive, ans: Any) -> None:
        self._check(ans, f"{prim.__name__} produced", calling_line(sys._getframe(2)))

    def checked_cotangent(self, index: int, position: int, g: Any) -> None:
        prim, argnum = self.steps[index][0], self.steps[index][1][position]
        self._check(g, f"the derivative of {prim} with respect to argument {argnum} has", self.steps[index][2])

    def _check(self, x: Any, what: str, line: str) -> None:
        x = np.asarray(value_of(x))
        if x.dtype.kind not in "fc" or bool(np.isfinite(x).all()):
            return
        bad = np.argwhere(~np.isfinite(x))
        first = tuple(map(int, bad[0]))
        place: dict[str, Any] = {"line": line} if line else {}
        if x.ndim and len(x) == self.rows:
            place["row"] = first[0]
        raise NonFiniteError(f"{what} {x[first]} at index {first}, {len(bad)} of {x.size} values not finite", **place)
