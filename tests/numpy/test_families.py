"""The rest of the namespace, call by call: both modes to second order, and NumPy's values under a trace.

A call is a function of the function: its default arguments are the arrays, which are differentiated.
"""

import inspect

import numpy as onp
import pytest
from calls import CALLS, INF, NAN, UP, M, T, U, V, W, Z

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, vjp
from ddtrain.errors import ShapeError

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


def test_where_a_quantile_is_undefined():
    assert onp.isnan(traced(np.median, [NAN]))
    assert onp.isnan(traced(np.nanmedian, [onp.full(3, onp.nan)]))
    onp.testing.assert_array_equal(
        onp.isnan(traced(lambda x: np.nanmax(x, 0), [onp.full((2, 2), onp.nan)])), [True, True]
    )


def test_derivatives_of_a_quantile_by_q_at_its_kinks_and_ends():
    x, infinite = onp.array([1.0, 2.0, 4.0]), onp.array([-INF, 1.0, 2.0, INF])
    slope = lambda q, x=x, **kwargs: grad(lambda q: np.quantile(x, q, **kwargs))(q)
    assert slope(0.25) == 2.0
    assert slope(0.5) == 3.0  # the mean of 2 and 4
    assert slope(0.0) == 2.0
    assert slope(1.0) == 4.0
    assert slope(0.5, onp.array([3.0])) == 0.0
    assert slope(0.1, method="hazen") == 0.0  # at the first entry up to 1/6
    assert slope(0.3, method="hazen") == 3.0
    assert slope(0.3, method="lower") == 0.0
    assert slope(0.5, infinite) == 3.0
    value, pull = vjp(lambda q: np.quantile(infinite, q, method="lower"), 0.1)
    assert (value, pull(1.0)[0]) == (-INF, 0.0)
    q32 = vjp(np.quantile, x.astype(onp.float32), onp.float32(0.3))
    assert q32[0].dtype == onp.float32
    assert [c.dtype for c in q32[1](onp.float32(1))] == [onp.float32, onp.float32]


def test_sums_of_exponentials_of_infinities_have_finite_derivatives():
    inf = onp.inf
    for f in (np.logaddexp, np.logaddexp2):
        for x, y, expected in (
            (-inf, -inf, (0.5, 0.5)),
            (0.0, -inf, (1.0, 0.0)),
            (inf, 0.0, (1.0, 0.0)),
            (inf, inf, (0.5, 0.5)),
        ):
            assert grad(f, (0, 1))(x, y) == expected


def test_steps_and_signs():
    assert grad(np.heaviside)(0.3, 0.5) == 0.0
    assert grad(np.copysign)(2.0, -0.0) == -1.0
    assert grad(lambda x: np.copysign(2.0, x))(-3.0) == 0.0
    assert grad(lambda x: np.modf(x)[1] + np.fix(x) + np.nextafter(x, 3.0))(2.5) == 0.0
    onp.testing.assert_array_equal(np.modf(onp.array([-INF, INF, -2.5])), onp.modf([-INF, INF, -2.5]))


def test_constant_functions_of_traced_values_are_plain():
    def f(x):
        for g in (np.lexsort, np.isreal, np.isneginf):
            assert type(g((x,)) if g is np.lexsort else g(x)) is onp.ndarray
        assert np.isin(x, V).all()
        assert (np.argpartition(x, 2) == onp.argpartition(V, 2)).all()
        return np.sum(x)

    grad(f)(V)


def test_the_derivative_of_unique_is_that_of_the_first_of_equals():
    x = onp.array([2.0, 1.0, 2.0])
    onp.testing.assert_array_equal(grad(lambda x: np.unique(x)[1])(x), [1, 0, 0])
    ours, theirs = (f(x, True, True, True) for f in (np.unique, onp.unique))
    onp.testing.assert_array_equal(vjp(lambda x: np.unique(x, return_counts=True)[0], x)[0], [1, 2])
    for a, b in zip(ours, theirs):
        onp.testing.assert_array_equal(a, b)


def test_i0_far_out_and_sinc_near_zero():
    from scipy import special

    x = onp.array([-50.0, -3.0, 0.0, 0.5, 20.0, 300.0])
    onp.testing.assert_allclose(grad(lambda x: np.sum(np.i0(x)))(x), special.i1(x), rtol=1e-12)
    h = onp.array([1e-9, 1e-3, 0.158, 0.16, 3.3])  # 0.159: where the series of the derivative takes over
    onp.testing.assert_allclose(
        grad(lambda x: np.sum(np.sinc(x)))(h), -onp.pi * special.spherical_jn(1, onp.pi * h), rtol=1e-13
    )
    assert grad(grad(np.sinc))(0.0) == pytest.approx(-(onp.pi**2) / 3, rel=1e-15)


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


METHODS = {
    "add.reduce": lambda x: onp.add.reduce(x),
    "add.reduce of rows": lambda x: onp.add.reduce(x, axis=1, keepdims=True),
    "multiply.reduce": lambda x: onp.multiply.reduce(x, axis=None),
    "maximum.reduce": lambda x: onp.maximum.reduce(x, 1),
    "minimum.reduce": lambda x: onp.minimum.reduce(x),
    "add.accumulate": lambda x: onp.add.accumulate(x, 1),
    "multiply.accumulate": lambda x: onp.multiply.accumulate(x),
    "subtract.outer": lambda x: onp.subtract.outer(x, U),
    "multiply.outer": lambda x: onp.multiply.outer(U, x),
}


@pytest.mark.parametrize("fun", METHODS.values(), ids=METHODS)
def test_methods_of_numpys_ufuncs(fun):
    onp.testing.assert_allclose(traced(fun, [M]), fun(M), rtol=1e-14)
    check_grads(fun)(M)


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


def test_weighted_bincount_is_linear_in_its_weights():
    x, w = onp.array([0, 1, 1]), onp.array([0.5, 1.0, 2.0])
    onp.testing.assert_array_equal(grad(lambda w: np.bincount(x, w)[1])(w), [0, 1, 1])
    onp.testing.assert_array_equal(grad(lambda w: onp.bincount(x, w)[1])(w), [0, 1, 1])
    onp.testing.assert_array_equal(np.bincount(x), [1, 2])


def test_trace_is_a_method_too():
    x = onp.arange(9.0).reshape(3, 3)
    onp.testing.assert_array_equal(grad(lambda x: x.trace())(x), onp.eye(3))


def test_a_scalar_cotangent_of_imag_stays_an_array():
    z = onp.array([1 + 1j, 2.0])
    gradient = grad(lambda z: np.sum(np.imag(np.vdot(z, z * 2j)) * 1.0))(z)
    onp.testing.assert_allclose(gradient, 4 * z.conj())


@pytest.mark.parametrize("name", ["make_diagonal"])
def test_what_numpy_does_not_have(name):
    make_diagonal = getattr(np, name)
    for x in (V, T, Z[0]):
        made = make_diagonal(x)
        onp.testing.assert_array_equal(onp.diagonal(made, 0, -1, -2), x)
        assert onp.count_nonzero(made) == x.size
        check_grads(lambda x: make_diagonal(x, offset=0, axis1=-1, axis2=-2) ** 2)(x)
    with pytest.raises(ShapeError, match=r"make_diagonal: offset=1.*\n.*diagflat"):
        make_diagonal(V, 1)
