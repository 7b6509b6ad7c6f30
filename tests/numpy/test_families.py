"""The rest of the namespace, call by call: both modes to second order, and NumPy's values under a trace.

A call is a function of the function: its default arguments are the arrays, which are differentiated.
"""

import inspect

import numpy as onp
import pytest
from calls import CALLS, NAN, UP, M, U, V, W

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, vjp

PARAMS = [pytest.param(name, call, id=f"{name}-{k}") for name, calls in CALLS.items() for k, call in enumerate(calls)]


def parts(result):
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")  # NumPy's own cross
@pytest.mark.parametrize(("name", "call"), PARAMS)
def test_both_modes_to_second_order(name, call):
    moving = [x for x in call.__defaults__ if onp.asarray(x).dtype.kind in "fc"]  # the others are options
    fixed = call.__defaults__[len(moving) :]
    check_grads(lambda *xs: parts(call(getattr(np, name), *xs, *fixed)))(*moving)
    for ours, theirs in zip(
        parts(traced(lambda *xs: call(getattr(np, name), *xs, *fixed), moving)), parts(call(getattr(onp, name)))
    ):
        onp.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)  # a trace may take another way


# NumPy returns the list itself, or splits it along the wrong axis
WITH_LISTS = [p for p in PARAMS if p.id not in ("diff-2", "dsplit-1")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")  # NumPy's own
@pytest.mark.parametrize(("name", "call"), WITH_LISTS)
def test_lists_do_as_arrays(name, call):
    lists = [x.tolist() if isinstance(x, onp.ndarray) else x for x in call.__defaults__]
    try:
        expected = parts(call(getattr(onp, name), *lists))
    except (AttributeError, TypeError, ValueError):
        pytest.skip("NumPy needs an array here, or the call itself does")
    for a, b in zip(parts(call(inspect.unwrap(getattr(np, name)), *lists)), expected):  # ours, not NumPy's own
        onp.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def traced(fun, xs):
    return vjp(lambda *xs: fun(*xs), *xs)[0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: np.diff(t(V), -1), ValueError, "n is -1"),
        (lambda t: np.gradient(t(V[:1])), ValueError, "1 samples along axis 0"),
        (lambda t: np.gradient(t(V), U), ValueError, r"coordinates of shape \(4,\) for 6 samples"),
        (lambda t: np.gradient(t(M), 1.0, 2.0, 3.0), TypeError, "3 spacings for 2 axes"),
        (lambda t: np.gradient(t(V), edge_order=3), ValueError, "not 1 or 2"),
        (lambda t: np.interp(t(V), UP, U), ValueError, "must be vectors of one length"),
        (lambda t: np.interp(t(V), UP, W, period=0), ValueError, "the period is 0"),
        (lambda t: np.cross(t(U), U), ValueError, "only 2 or 3"),
        (lambda t: np.convolve(t(U), U, "half"), ValueError, "not 'full', 'same' or 'valid'"),
        (lambda t: np.choose([4], [t(U)]), ValueError, "do not name one of 1 choices"),
        (lambda t: np.select([], [t(V)]), ValueError, "0 conditions and 1 choices"),
        (lambda t: np.piecewise(V, [V > 0], [1, 2, 3]), ValueError, "3 functions for 1 conditions"),
        (lambda t: np.average(t(V), weights=V - V), ZeroDivisionError, "add up to zero"),
        (lambda t: np.average(t(M), weights=V), ValueError, "fit neither"),
        (lambda t: np.cumulative_sum(t(M)), ValueError, "needs an axis"),
        (lambda t: np.meshgrid(t(V), indexing="yx"), ValueError, "not 'xy' or 'ij'"),
        (lambda t: np.apply_along_axis(np.sum, 0, M[:, :0]), ValueError, "no vector along axis 0"),
        (lambda t: np.vectorize(np.sum, signature="(n)->()")(t(V), V), TypeError, "2 arguments for the signature"),
        (lambda t: np.vectorize(np.sum)(t(V[:0])), ValueError, "set otypes"),
        (lambda t: np.pad(t(V), 1, "half"), ValueError, "mode is 'half', not one of constant"),
        (lambda t: np.asarray_chkfinite(t(NAN)), ValueError, "must not contain infs or NaNs"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):  # traced: NumPy speaks for itself
        grad(lambda zero: call(lambda x: x + zero))(0.0)


SINGLE = {
    "average": lambda x: np.average(x, weights=x),
    "convolve": lambda x: np.convolve(x, x, "same"),
    "cov": np.cov,
    "cumprod": np.cumprod,
    "gradient": np.gradient,
    "i0": np.i0,
    "interp": lambda x: np.interp(x, np.sort(x), x),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "modf": lambda x: np.modf(x)[0],
    "nan_to_num": np.nan_to_num,
    "nanstd": np.nanstd,
    "polyfit": lambda x: np.polyfit(x, x**2, 1),
    "polyval": lambda x: np.polyval(x, x),
    "quantile": lambda x: np.quantile(x, 0.3),
    "roots": lambda x: np.abs(np.roots(x)),
    "sinc": np.sinc,
    "svd": lambda x: np.linalg.svd(np.reshape(x, (2, 2)))[0],
    "lstsq": lambda x: np.linalg.lstsq(np.reshape(x, (2, 2)), x[:2])[0],
    "cond": lambda x: np.linalg.cond(np.reshape(x, (2, 2))),
    "unwrap": np.unwrap,
}


@pytest.mark.parametrize("fun", SINGLE.values(), ids=SINGLE)
def test_gradients_of_float32_are_float32(fun):
    x = onp.array([1.3, 2.1, 0.4, 3.3], onp.float32)
    assert traced(fun, [x]).dtype == fun(x).dtype  # where nothing is traced it is as NumPy likes
    assert grad(lambda x: np.sum(fun(x)))(x).dtype == onp.float32
