"""Random programs in C have the bits of the same ones in Python: views, broadcasts, copies, and kernels in between."""

from __future__ import annotations

import random
from typing import Any

import numpy as onp
import pytest
from recordings import Recording, Sinks, run

import ddtrain.numpy as np
from ddtrain import grad, ops
from ddtrain.kernels import native

pytestmark = pytest.mark.skipif(bool(native.lost()) or not native.wanted(), reason="no compiled kernels here")
SHAPES: list[list[tuple[int, ...]]] = [
    [(4, 3), (3,), (4, 3)],
    [(2, 3, 4), (4,), (3, 4)],
    [(1, 5), (5,), (6, 5)],
    [(7,), ()],
]
OF_ONE: list[Any] = [  # (the fewest axes that it takes, what it does)
    (0, lambda r, x: x * 1.5),
    (0, lambda r, x: -x),
    (0, lambda r, x: ops.gelu(x)),
    (0, lambda r, x: ops.relu(x)),
    (0, lambda r, x: np.tanh(x)),
    (0, lambda r, x: np.mean(x)),
    (0, lambda r, x: np.reshape(x, (-1,))),
    (1, lambda r, x: x[r.randrange(-x.shape[0], x.shape[0])]),
    (1, lambda r, x: x[:: r.choice([1, 2, -1])]),
    (1, lambda r, x: np.sum(x, axis=r.randrange(x.ndim))),
    (1, lambda r, x: np.concatenate([x, x], axis=r.randrange(x.ndim))),
    (2, lambda r, x: x.T),
    (2, lambda r, x: np.reshape(x, (-1,), order="F")),
    (2, lambda r, x: ops.softmax(x)),
]
OF_TWO: list[Any] = [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - y, lambda x, y: x / (y * y + 1.0)]


def calculation(seed: int, xs: Any) -> Any:
    """Twelve operations, each on what some earlier ones gave; the last four results."""
    r, values = random.Random(seed), list(xs)
    while len(values) < 12 + len(xs):
        x, y = r.choice(values), r.choice(values)
        if r.random() < 0.4:
            if x.shape == y.shape or y.shape == x.shape[1:] or 0 in (x.ndim, y.ndim):
                values.append(r.choice(OF_TWO)(x, y))
        else:
            axes, operation = r.choice(OF_ONE)
            if x.ndim >= axes and x.size < 500:
                values.append(operation(r, x))
    return values[-4:]


def in_both(seed: int, dtype: str) -> tuple[Recording, Any, list[Any]]:
    """The recording of a calculation and its gradients, a source of inputs for it, and the late input."""
    generator = onp.random.default_rng(seed)
    shapes = SHAPES[seed % len(SHAPES)]

    def inputs() -> list[Any]:
        return [onp.asarray(generator.standard_normal(shape), dtype) for shape in shapes]

    def loss(late: Any, *xs: Any) -> Any:
        return sum((np.sum(np.tanh(part)) for part in calculation(seed, xs)), 0.0) * late

    def first(*xs: Any) -> Any:
        results = calculation(seed, xs)
        return [ops.gelu(results[0] * 1.0), *results]

    def second(results: Any, *given: Any) -> Any:
        *xs, late = given
        return [grad(loss, i + 1)(late, *xs) for i in range(len(xs))]

    late = [onp.array(0.5, dtype)]
    return Recording(first, inputs(), second, late), inputs, late


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("seed", range(8))
def test_c_has_the_bits_of_python(seed: int, dtype: str) -> None:
    recording, inputs, late = in_both(seed, dtype)
    in_c, in_python = recording.in_c(), recording.in_python()
    for _ in range(2):
        xs = inputs()
        mine, theirs = Sinks(*recording.sinks.arrays), Sinks(*recording.sinks.arrays)
        found = run(in_c, [x.copy() for x in xs], late, mine)
        expected = run(in_python, [x.copy() for x in xs], late, theirs)
        for one, other in zip(found, expected, strict=True):
            assert (one.shape, one.dtype, one.tobytes()) == (other.shape, other.dtype, other.tobytes())
        assert mine.order == theirs.order
