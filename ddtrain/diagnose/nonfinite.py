"""A tape that looks at every result, and names the operation that first made a NaN or infinity.

It is an ordinary reverse-mode trace that also remembers the user's line of each step, so that a cotangent that goes
bad on the way back is traced to the line that wrote the operation. ``--debug.nans`` records every step on one; a step
that ends a run is walked through again on one, which costs nothing before.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.autodiff import Primitive, Tape, record, value_of, walk_back
from ddtrain.comm import raise_on_all
from ddtrain.comm.protocol import Communicator
from ddtrain.current_layer import LAYER
from ddtrain.diagnose.protocol import Step
from ddtrain.errors import NonFiniteError
from ddtrain.ops import use_communicator
from ddtrain.user_lines import calling_line


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
        # (name, argnums, line) of each step, because the walk frees the tape's entries
        self.steps: dict[int, tuple[str, Sequence[int], str]] = {}

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


class _FirstFinding(CheckedTape):
    """Keeps the first finding instead of raising it, so that all ranks come to the end of the step together."""

    __slots__ = ("found", "seen")

    def __init__(self, n_leaves: int, rows: int, found: list[tuple[int, NonFiniteError]]) -> None:
        super().__init__(n_leaves, rows)
        self.seen, self.found = 0, found

    def _check(self, x: Any, what: str, line: str) -> None:
        self.seen += 1
        if not self.found:
            try:
                super()._check(x, what, line)
            except NonFiniteError as error:
                self.found.append((self.seen, error.at(layer=LAYER.get())))


def locate_nonfinite(error: NonFiniteError, train_step: Step, step: int, rows: Any) -> NonFiniteError:
    """The same error with the operation that first went wrong, and the rank and sample if they are found.

    Walks through the step again, which has not been applied: the same values, samples and random numbers. Ranks whose
    moments are summed in the midst of a step infect each other, so the finding that counts is the earliest. Collective.
    """
    store = train_step.store
    found: list[tuple[int, NonFiniteError]] = []

    def again(shard: int, peers: Any) -> None:
        first, last = data.shard_bounds(len(rows), shard, train_step.shard_layout.count)
        forward = train_step.forward_pass(step, rows, first, last, store.dtype)
        mine: list[tuple[int, NonFiniteError]] = []
        losses_of = lambda *leaves: forward(store.with_parameters(leaves))
        tape = functools.partial(_FirstFinding, rows=last - first, found=mine)
        with use_communicator(peers), np.errstate(all="ignore"):
            losses_N, walked, end = record(losses_of, store.value_views, tape)
            walk_back(walked, end, np.full(losses_N.shape, 1 / len(rows), losses_N.dtype), keep=False)
        for seen, finding in mine:
            row = finding.place.pop("row", None)
            found.append((seen, finding if row is None else finding.at(sample=int(rows[first + row]))))

    train_step.shards.map(again)
    mine = min(found, key=lambda each: each[0], default=None)
    told = [mine[0], mine[1].message, mine[1].place] if mine else None
    findings = [(told[0], rank, *told[1:]) for rank, told in enumerate(train_step.comm.exchange_objects(told)) if told]
    if not findings:
        return error
    _, rank, said, place = min(findings, key=lambda finding: finding[:2])
    return NonFiniteError(
        f"{error.message}: {said}",
        remedy="Lower --optim.lr, or limit the gradient with --clip.norm, unless the data or the operation is wrong.",
        **{**error.place, **place, "rank": rank},
    )


def require_finite(comm: Communicator, vectors: Mapping[str, Any]) -> None:
    """Refuse values that no run can go on from, on whichever rank they are. Collective.

    Raises
    ------
    NonFiniteError : on all ranks, naming the first vector that holds a NaN or an infinity
    """
    bad = count_nonfinite(vectors)
    raise_on_all(comm, next((_overflown(name, count, np.size(vectors[name])) for name, count in bad.items()), None))


def count_nonfinite(vectors: Mapping[str, Any]) -> dict[str, int]:
    """How many values are NaN or infinite, for each vector that holds any.

    >>> count_nonfinite({"weight": np.array([1.0, np.inf]), "bias": np.zeros(2)})
    {'weight': 1}
    """
    counts = {name: int(np.size(x) - np.isfinite(x).sum()) for name, x in vectors.items()}
    return {name: count for name, count in counts.items() if count}


def _overflown(name: str, count: int, size: int) -> NonFiniteError:
    return NonFiniteError(
        f"update: {count} of {size} values of {name} are not finite",
        remedy="Lower --optim.lr, or limit the gradient with --clip.norm; the last checkpoint is of before.",
    )
