"""Arguments of several dtypes: the result has the one that NumPy's arithmetic gives, and its accuracy.

What would make these fail: work space, or a result, of the first argument's dtype; a kernel that truncates integers; a
cotangent in another dtype than its argument.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as onp
import pytest

from ddtrain import ops
from ddtrain.autodiff import PRIMITIVES, jvp, vjp
from ddtrain.autodiff.core.examples import Case, Sampler

FUSED = {p.__name__: p for p in PRIMITIVES if p.compose is not None and p.__module__.startswith("ddtrain")}
every_op = pytest.mark.parametrize("name", FUSED)
EPS = {onp.dtype(d): float(onp.finfo(d).eps) for d in (onp.float16, onp.float32, onp.float64, onp.complex128)}


def mixtures(name: str, *dtypes: Any) -> Any:
    """All examples with every combination of dtypes among the differentiated arguments: whole numbers times a half."""
    for case in FUSED[name].examples(Sampler()):
        for chosen in itertools.product(dtypes, repeat=len(case.differentiated)):
            args = list(case.args)
            for i, dtype in zip(case.differentiated, chosen, strict=True):
                args[i] = (onp.round(4 * onp.asarray(args[i])) / 2).astype(dtype)
            yield Case(tuple(args), case.kwargs, case.differentiated), args


@every_op
def test_floats_of_several_precisions(name: str) -> None:
    for case, args in mixtures(name, onp.float16, onp.float32, onp.float64):
        wide = [a.astype(float) if i in case.differentiated else a for i, a in enumerate(args)]
        common = onp.result_type(*(args[i] for i in case.differentiated))
        y, exact = FUSED[name](*args, **case.kwargs), FUSED[name](*wide, **case.kwargs)
        assert y.dtype == common
        # the examples sum at most 36 products of numbers below 4, some thousand roundings of a number of order one
        onp.testing.assert_allclose(y, exact, rtol=0, atol=1000 * EPS[common] * max(1, onp.abs(exact).max(initial=0)))


@every_op
def test_derivatives_have_their_arguments_dtypes_and_the_results_accuracy(name: str) -> None:
    for case, args in mixtures(name, onp.float32, onp.float64):
        common = onp.result_type(*(args[i] for i in case.differentiated))
        wide = [a.astype(float) if i in case.differentiated else a for i, a in enumerate(args)]
        found, exact = derivatives(FUSED[name], case, args), derivatives(FUSED[name].compose, case, wide)
        for i, a, b in zip(case.differentiated, found, exact, strict=True):
            assert a.dtype == args[i].dtype
            eps = max(EPS[common], EPS[a.dtype])
            onp.testing.assert_allclose(a, b, rtol=0, atol=1000 * eps * max(1, onp.abs(b).max(initial=0)))


def derivatives(op: Any, case: Case, args: list[Any]) -> list[Any]:
    xs = [args[i] for i in case.differentiated]

    def fun(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(case.differentiated, xs, strict=True):
            full[i] = x
        return op(*full, **case.kwargs)

    value, pull = vjp(fun, *xs)
    assert jvp(fun, xs, xs)[0].dtype == value.dtype
    return list(pull(onp.linspace(-1, 1, value.size, dtype=value.dtype).reshape(value.shape)))


@every_op
def test_integers_are_numpys(name: str) -> None:
    for case, args in mixtures(name, onp.int64, onp.float32):
        y, expected = FUSED[name](*args, **case.kwargs), FUSED[name].compose(*args, **case.kwargs)
        assert y.dtype == expected.dtype
        onp.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)  # where float32 alone takes part, its roundings
        wide = [a.astype(float) if i in case.differentiated else a for i, a in enumerate(args)]
        onp.testing.assert_allclose(y, FUSED[name](*wide, **case.kwargs), rtol=1e-4, atol=1e-4)


def test_complex_numbers_go_through_what_is_linear() -> None:
    z, w = onp.array([[1 + 2j, 3j]]), onp.ones((2, 3), onp.float32)
    y, pull = vjp(ops.linear, z, w)
    assert y.dtype == onp.complex128
    assert [c.dtype for c in pull(y)] == [onp.complex128, onp.float32]
    onp.testing.assert_array_equal(y, z @ w)


def test_lists_and_numbers_are_arrays() -> None:
    w, b = onp.ones((2, 3), onp.float32), onp.zeros(3, onp.float32)
    onp.testing.assert_array_equal(ops.linear([[1.0, 2.0]], w, b), [[3, 3, 3]])
    onp.testing.assert_array_equal(ops.linear(onp.ones((1, 2)), w, b=b), [[2, 2, 2]])
    onp.testing.assert_array_equal(ops.relu([-1, 2]), [0, 2])
    assert ops.sigmoid(0.0) == 0.5


@pytest.mark.parametrize("dtype", [onp.int64, onp.bool_])
def test_integers_in_what_is_no_fused_op(dtype: Any) -> None:
    x = onp.array([0, 1], dtype)
    # integers are composed of NumPy's operations, floats go to a kernel: an ulp or two apart
    onp.testing.assert_allclose(ops.normal_cdf(x), ops.normal_cdf(x.astype(float)), rtol=1e-15)
    onp.testing.assert_allclose(ops.softmax(x), ops.softmax(x.astype(float)), rtol=1e-15)
