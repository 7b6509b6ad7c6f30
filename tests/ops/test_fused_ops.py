"""Ways of calling an operation that must not change what it computes, and work that must not be done."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import PRIMITIVES, grad
from ddtrain.autodiff.core.examples import Sampler
from ddtrain.kernels import conv, linear

R = onp.random.default_rng(0)
FUSED = [p for p in PRIMITIVES if p.compose is not None and p.__module__.startswith("ddtrain")]


def test_derivatives_flow_through_keywords() -> None:
    x, w, b = R.standard_normal((4, 3)), R.standard_normal((3, 2)), R.standard_normal(2)
    by_position = grad(lambda b: np.sum(ops.linear(x, w, b) ** 2))(b)
    onp.testing.assert_array_equal(grad(lambda b: np.sum(ops.linear(x, w, b=b) ** 2))(b), by_position)
    both = grad(lambda w, b: np.sum(ops.linear(x, b=b, w=w) ** 2), (0, 1))(w, b)
    onp.testing.assert_array_equal(both[1], by_position)


def test_options_by_position_or_keyword() -> None:
    x, w = R.standard_normal((2, 5, 5, 2)), R.standard_normal((3, 3, 2, 2))
    y = ops.conv2d(x, w, None, (2, 1), 1)
    onp.testing.assert_array_equal(ops.conv2d(x, w, stride=(2, 1), padding=1), y)
    by_position = grad(lambda x: np.sum(ops.conv2d(x, w, None, (2, 1), 1) ** 2))(x)
    onp.testing.assert_array_equal(
        grad(lambda x: np.sum(ops.conv2d(x, w, stride=(2, 1), padding=1) ** 2))(x), by_position
    )


@pytest.mark.parametrize(("kh", "kw"), [(1, 1), (2, 3), (3, 3), (4, 5)])
def test_same_padding_keeps_the_size(kh: int, kw: int) -> None:
    x, w = R.standard_normal((1, 6, 5, 2)), R.standard_normal((kh, kw, 2, 3))
    assert ops.conv2d(x, w, padding="same").shape == (1, 6, 5, 3)


def test_the_cotangent_of_the_images_is_not_computed_for_the_first_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    def unneeded(*_: Any, **__: Any) -> Any:
        raise AssertionError("computed though nobody asked")

    monkeypatch.setattr(conv, "backward_input", unneeded)
    monkeypatch.setattr(linear, "backward_input", unneeded)
    x, w = R.standard_normal((2, 4, 4, 1)), R.standard_normal((3, 3, 1, 2))
    grad(lambda w: np.sum(ops.conv2d(x, w)))(w)
    grad(lambda w: np.sum(ops.linear(x[..., 0], w)))(R.standard_normal((4, 2)))


def test_global_average() -> None:
    x = R.standard_normal((2, 3, 5, 4))
    onp.testing.assert_allclose(ops.global_avg_pool2d(x), x.mean((1, 2)), rtol=1e-13)


def test_a_gradient_never_shares_memory_with_what_came_in() -> None:
    # a sink may write into what it is handed; only pass-throughs of g itself could alias, and must not alias values
    for prim in FUSED:
        for case in prim.examples(Sampler()):
            xs = [case.args[i] for i in case.differentiated]

            def total(*leaves: Any, case: Any = case, prim: Any = prim) -> Any:
                args = list(case.args)
                for i, leaf in zip(case.differentiated, leaves):
                    args[i] = leaf
                return np.sum(prim(*args, **case.kwargs) ** 2)

            for g in grad(total, tuple(range(len(xs))))(*xs):
                assert not any(onp.shares_memory(g, x) for x in xs), prim.__name__


def test_padding_that_keeps_the_size_goes_below_and_to_the_right_where_it_is_odd() -> None:
    """As in PyTorch: the window of an even kernel begins at its own place."""
    x = onp.arange(1.0, 13.0).reshape(3, 4)
    y = ops.conv2d(x[None, :, :, None], onp.ones((2, 2, 1, 1)), padding="same")[0, :, :, 0]
    beyond = onp.pad(x, ((0, 1), (0, 1)))
    onp.testing.assert_array_equal(y, beyond[:-1, :-1] + beyond[1:, :-1] + beyond[:-1, 1:] + beyond[1:, 1:])
