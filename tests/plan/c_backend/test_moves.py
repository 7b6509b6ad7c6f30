"""Copies with strides against NumPy's own: what each move says is done by NumPy here, and must give the result."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from ddtrain.plan.c_backend.moves import moves
from ddtrain.plan.c_backend.source import _merged
from ddtrain.plan.passes.places import place_all

X = np.arange(24.0).reshape(2, 3, 4)
LAYOUTS: dict[str, Any] = {
    "C": lambda x: x,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "with gaps": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
}


def made_by(name: str, args: list[Any], result: Any) -> Any:
    found = moves(name, args, result)
    assert found is not None
    made, copies, zeroed = found
    made[...] = 0 if zeroed else np.nan
    for move in copies:
        assert move.target.base is not None, "a view, not a copy or a number"
        move.target[...] = move.source + 0 if move.adds_zero else move.source
    return made


def placed(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, g.dtype)
    out[index] = g
    return out


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_copies_are_numpys(layout: str, dtype: str) -> None:
    x, backward = LAYOUTS[layout](X.astype(dtype)), (1, slice(None, None, -1))
    cases = [
        ("reshape", [x, (6, 4)], x.reshape(6, 4).copy()),
        ("reshape", [x, (24,), "C"], x.reshape(24).copy()),
        ("ravel", [x], x.ravel().copy()),
        *(("concatenate", [axis, x, x[:, :, :]], np.concatenate([x, x], axis)) for axis in (0, 1, 2, -1)),
        ("place", [x[0], backward, X.shape], placed(x[0], backward, X.shape)),
        ("place", [x[0, 0, 0], -1, (4,)], placed(x[0, 0, 0], -1, (4,))),
    ]
    parts = [(slice(0, 2), slice(0, 1)), (0, slice(1, 3))]
    gradients = [x[:, :1], x[1, 1:]]
    cases.append(("place_all", [X.shape, tuple(parts), *gradients], place_all(X.shape, tuple(parts), *gradients)))
    for name, args, result in cases:
        args = [np.asarray(a) if isinstance(a, np.generic) else a for a in args]
        found = made_by(name, args, result)
        np.testing.assert_array_equal(found, result, strict=True)
        assert found.strides == result.strides, "the order in which others add it up"


def test_zeros_of_either_sign_add_up_as_numpy_adds_them() -> None:
    g = np.array([-0.0, 1.0])
    added = place_all((3,), (slice(0, 2),), g)
    found = made_by("place_all", [(3,), (slice(0, 2),), g], added)
    assert np.signbit(found).tolist() == np.signbit(added).tolist() == [False, False, False]


@pytest.mark.parametrize(
    ("name", "args", "result"),
    [
        ("reshape", [X, (24,), "F"], X.reshape(24, order="F")),  # entries in another order
        ("ravel", [X, "F"], X.ravel("F")),
        ("place", [X[0, 0], np.array([1, 1, 2, 3]), (4,)], X[0, 0]),  # adds entries up
        ("place", [X[0, 0], (np.array([0, 1, 2, 3]),), (4,)], X[0, 0]),
        ("reshape", [X.astype(complex), (24,)], X.astype(complex).reshape(24)),
        ("exp", [X], np.exp(X)),
        ("reshape", [X[:0], (0,)], X[:0].reshape(0)),
    ],
)
def test_what_is_no_copy_is_left_to_others(name: str, args: list[Any], result: Any) -> None:
    assert moves(name, args, result) is None


def test_merged_axes_visit_the_same_bytes() -> None:
    def visited(axes: Any) -> list[tuple[int, ...]]:
        at_all = product(*[range(count) for count, _, _ in axes])
        return [tuple(sum(i * axis[k] for i, axis in zip(at, axes, strict=True)) for k in (1, 2)) for at in at_all]

    target = np.empty(X.shape)
    for source in (X, X[::-1], X[:, ::2], X[:, :, ::-1], X.T, X[:, None], X[..., :1]):
        to = target.ravel()[: source.size].reshape(source.shape)
        axes = _merged(source.shape, to.strides, source.strides)
        whole = list(zip(source.shape, to.strides, source.strides, strict=True))
        assert visited(axes) == visited(whole)
        assert len(axes) <= len(whole)
