"""Loops against NumPy's arithmetic, bit by bit: every operation, both dtypes, repeated operands, numbers, edges."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest
from recordings import Recording

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.kernels import native
from ddtrain.plan.c_backend.elementwise import FORMULAS, takes

pytestmark = pytest.mark.skipif(bool(native.lost()) or not native.wanted(), reason="no compiled kernels here")
EDGES = [0.0, -0.0, 1e-310, -1e-40, 3e38, onp.inf, -onp.inf, onp.nan, 0.1, -7.0, 1 / 3, 2.5]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["f", "d"])
def test_every_loop_has_numpys_bits(dtype: str) -> None:
    def every(x: Any, y: Any, row: Any, one: Any) -> list[Any]:
        pairs = ((x, y), (x, row), (row, x), (x, one), (one, x), (x, 0.1), (3, x))
        results = [f(a, b) for f in (np.add, np.subtract, np.multiply, np.divide) for a, b in pairs]
        return [*results, -x, np.square(x), np.sqrt(x), (x * y + row) / one - 0.1 * x, ops.relu(x)]

    def inputs(shift: int) -> list[Any]:
        x = onp.roll(onp.array(EDGES), shift).astype(dtype).reshape(4, 3)
        y = onp.roll(x[::-1], shift + 1).reshape(4, 3)
        return [x, y, x[1].copy(), onp.asarray(x[2, 0])]

    recording = Recording(every, inputs(0))
    made = recording.in_c()
    assert {name for kind, name in made.kinds if kind == "loop"} == FORMULAS.keys() - {"accumulate"}
    for shift in range(4):
        given = inputs(shift)
        found, expected = made.first(*given), every(*given)
        for k, (one, other) in enumerate(zip(found, expected, strict=False)):
            same = (one == other) | (onp.isnan(one) & onp.isnan(other))
            assert same.all(), k
            assert (onp.signbit(one) == onp.signbit(other))[~onp.isnan(one)].all(), k


X = onp.ones((4, 3))


@pytest.mark.parametrize(
    ("args", "result"),
    [
        ([X, X[:, :1]], X),  # repeated along the last axis
        ([X, X.astype("f")], X),
        ([X.T, X.T], X.T),
        ([X, onp.ones(3)[::-1]], X),
        ([X[:, :1], X[0]], X),  # both are repeated
        ([X, onp.inf], X),  # C has no number of that name in all headers
        ([X, True], X),
        ([X.astype(int), 1], X.astype(int)),
        ([X[:0], X[:0]], X[:0]),
        ([2.0, 3.0], X),
    ],
)
def test_what_is_no_loop(args: list[Any], result: Any) -> None:
    assert not takes("add", args, {}, result)


def test_out_is_no_loop() -> None:
    assert takes("add", [X, X], {}, X)
    assert not takes("add", [X, X], {"where": True}, X)
