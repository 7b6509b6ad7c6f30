"""Fused operations against their compositions where formulas break: NaN, infinities, zeros, tiny and huge numbers.

What would make these fail: a kernel that loses a NaN which its composition keeps, that compares with > where a NaN
asks for not <=, or that sees channels, rows or memory where there are none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as onp
import pytest

from ddtrain import ops
from ddtrain.autodiff import PRIMITIVES, jvp, vjp
from ddtrain.autodiff.core.examples import Case, Sampler

FUSED = {p.__name__: p for p in PRIMITIVES if p.compose is not None and p.__module__.startswith("ddtrain")}
every_op = pytest.mark.parametrize("name", FUSED)
R = onp.random.default_rng(0)


def values(dtype: Any) -> list[float]:
    """Huge: a square still has room for the sum of some squares."""
    limits = onp.finfo(dtype)
    huge = float(onp.sqrt(limits.max)) / 1e4
    return [onp.nan, onp.inf, -onp.inf, -0.0, huge, -huge, float(limits.tiny), float(limits.smallest_subnormal)]


def changed(case: Case, dtype: Any) -> Iterator[tuple[int, list[Any]]]:
    """The example with one entry of one argument replaced, or with all kinds of values in it, and which argument."""
    for i in case.differentiated:
        x = onp.asarray(case.args[i])
        mixed = R.choice([onp.nan, onp.inf, -onp.inf, 0.0, 1.0], x.shape).astype(dtype)
        several = [mixed] if x.size else []
        for value in values(dtype) if x.size else []:
            several.append(x.copy())
            several[-1].flat[x.size // 2] = value
        for new in several:
            yield i, [new if k == i else a for k, a in enumerate(case.args)]


# a NaN in one argument meets the zeros of the padding on the way to the cotangent of another, and 0 times NaN is NaN
MEETS_PADDING = {("conv2d", 1, 0), ("conv_transpose2d", 0, 1)}


def run(op: Any, case: Case, args: list[Any]) -> list[Any]:
    """Value, and the cotangents of what is differentiated."""
    xs = [onp.asarray(args[i]) for i in case.differentiated]

    def fun(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(case.differentiated, xs, strict=True):
            full[i] = x
        return op(*full, **case.kwargs)

    value, pull = vjp(fun, *xs)
    g = onp.random.default_rng(1).standard_normal(value.shape).astype(value.dtype)
    return [value, *pull(g)]


def sees_part(case: Case) -> bool:
    """Whether an example's attention is causal."""
    return bool(case.kwargs.get("causal", len(case.args) < 4 or case.args[3]))


def finite(x: Any) -> Any:
    return onp.where(onp.isfinite(x), x, 0)


@every_op
@pytest.mark.parametrize("dtype", [onp.float64, onp.float32])
def test_kernel_is_composition(name: str, dtype: Any) -> None:
    rtol = 1e-9 if dtype == onp.float64 else 1e-3  # batch-norm of a huge entry cancels what the others have
    with onp.errstate(all="ignore"):
        for k, case in enumerate(FUSED[name].examples(Sampler(0, dtype))):
            for i, args in changed(case, dtype):
                if name == "conv_transpose2d" and i == 1 and not onp.isfinite(args[i]).all():
                    continue  # as below, of the zeros between the entries
                if name == "attention" and i == 2 and sees_part(case) and not onp.isfinite(args[i]).all():
                    continue  # only in the composition it meets, and spoils, the zero of a query that does not see it
                found, expected = (run(op, case, args) for op in (FUSED[name], FUSED[name].compose))
                what = f"example {k}, argument {i}: {args[i]}"
                onp.testing.assert_allclose(found[0], expected[0], rtol=rtol, atol=rtol, err_msg=what)
                for j, (a, b) in enumerate(zip(found[1:], expected[1:], strict=True)):
                    if (name, i, j) in MEETS_PADDING and not onp.isfinite(args[i]).all():
                        continue
                    onp.testing.assert_array_equal(onp.isfinite(a), onp.isfinite(b), err_msg=f"{what}, d{j}")
                    onp.testing.assert_allclose(finite(a), finite(b), rtol=rtol, atol=rtol, err_msg=f"{what}, d{j}")


@pytest.mark.parametrize("window", [[0, onp.nan, 1, 2], [onp.nan, 1, onp.nan, 2], [3, 3, 1, 3]])
def test_max_pooling_gives_the_derivative_to_one_place(window: list[float]) -> None:
    # PyTorch 2.13: the last NaN of a window has it all; among equals, the first
    x, g = onp.array(window, float).reshape(1, 2, 2, 1), onp.ones((1, 1, 1, 1))
    winner = onp.flatnonzero(onp.isnan(window))[-1:] if onp.isnan(window).any() else [0]
    for op in (ops.max_pool2d, ops.max_pool2d.compose):
        (dx,) = vjp(lambda x, op=op: op(x, 2), x)[1](g)
        assert onp.flatnonzero(dx).tolist() == list(winner)
    onp.testing.assert_array_equal(jvp(lambda x: ops.max_pool2d(x, 2), (x,), (x,))[0], ops.max_pool2d(x, 2))


def test_relu_at_nan_has_pytorchs_derivative() -> None:
    x = onp.array([onp.nan, -1.0, 0.0, 2.0])
    for op in (ops.relu, ops.relu.compose):
        onp.testing.assert_array_equal(vjp(op, x)[1](onp.ones(4))[0], [1, 0, 0, 1])


def x(*shape: int) -> Any:
    return onp.ones(shape)


ELEMENTWISE = ("relu", "leaky_relu", "sigmoid", "gelu", "elu", "selu", "softplus", "silu", "hard_tanh", "hard_sigmoid")
NOTHING = {  # calls of an operation with no rows, no channels, no classes
    "linear": [(x(0, 3), x(3, 2), x(2)), (x(4, 0), x(0, 2), x(2)), (x(4, 3), x(3, 0), x(0))],
    "conv2d": [(x(0, 4, 4, 2), x(3, 3, 2, 2), x(2)), (x(1, 4, 4, 0), x(3, 3, 0, 2)), (x(1, 4, 4, 2), x(3, 3, 2, 0))],
    "conv_transpose2d": [
        (x(0, 4, 4, 2), x(3, 3, 2, 2), x(2)),
        (x(1, 4, 4, 0), x(3, 3, 2, 0)),
        (x(1, 4, 4, 2), x(3, 3, 0, 2)),
    ],
    "batch_norm": [(x(0, 3), x(3), x(3)), (x(4, 0), x(0), x(0)), (x(0, 2, 2, 3), x(3), x(3))],
    "group_norm": [(x(0, 3), x(3), x(3), 1), (x(4, 0), x(0), x(0), 1), (x(2, 0, 3), x(3), x(3), 3)],
    "layer_norm": [(x(0, 3), x(3), x(3)), (x(4, 0), x(0), x(0))],
    "rnn": [(x(0, 3, 2), x(0, 2), x(2, 2)), (x(2, 0, 2), x(2, 2), x(2, 2)), (x(2, 3, 0), x(2, 0), x(0, 0))],
    "gru": [(x(0, 3, 6), x(0, 2), x(2, 6), x(6)), (x(2, 0, 6), x(2, 2), x(2, 6)), (x(2, 3, 0), x(2, 0), x(0, 0))],
    "lstm": [
        (x(0, 3, 8), x(0, 2), x(0, 2), x(2, 8)),
        (x(2, 0, 8), x(2, 2), x(2, 2), x(2, 8)),
        (x(2, 3, 0), x(2, 0), x(2, 0), x(0, 0)),
    ],
    "rms_norm": [(x(0, 3), x(3)), (x(4, 0), x(0))],
    "attention": [(x(0, 3, 2), x(0, 3, 2), x(0, 3, 2)), (x(3, 2), x(3, 2), x(3, 0)), (x(3, 0), x(3, 0), x(3, 2))],
    "self_attention": [(x(0, 3, 6), 2), (x(2, 0, 6), 1), (x(2, 3, 0), 1)],
    "max_pool2d": [(x(0, 4, 4, 2), 2), (x(1, 4, 4, 0), 2)],
    "avg_pool2d": [(x(0, 4, 4, 2), 2), (x(1, 4, 4, 0), 2)],
    "embedding": [(x(4, 0), onp.zeros(3, int)), (x(4, 2), onp.zeros(0, int))],
    "cross_entropy": [(x(0, 3), onp.zeros(0, int))],
    "dropout": [(x(0, 3), x(0, 3)), (x(3, 0), x(3, 0)), (x(), x())],
    **{name: [(x(0, 3),), (x(3, 0),)] for name in ("softmax", "log_softmax")},
    **{name: [(x(0, 3),), (x(3, 0),), (x(),)] for name in ELEMENTWISE},
}


def test_nothing_is_tried_of_every_op() -> None:
    assert set(NOTHING) == set(FUSED)


@every_op
def test_no_rows_no_channels_and_0d(name: str) -> None:
    for args in NOTHING[name]:
        moving = tuple(i for i, a in enumerate(args) if onp.result_type(a).kind == "f")
        case = Case(args, {}, moving[:1] if name == "dropout" else moving)
        with onp.errstate(all="ignore"):  # the logarithm of a sum over no classes
            found, expected = (run(op, case, list(args)) for op in (FUSED[name], FUSED[name].compose))
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape
            onp.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
