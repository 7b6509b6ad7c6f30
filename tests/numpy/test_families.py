"""The rest of the namespace, call by call: NumPy's values, and both modes to second order.

A call is a function of the function: its default arguments are the arrays, which are differentiated.
"""

import inspect

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, vjp
from ddtrain.errors import ShapeError

rng = onp.random.default_rng(5)
V, W, U = rng.standard_normal(6), rng.standard_normal(6), rng.standard_normal(4)
M, S = rng.standard_normal((3, 4)), rng.standard_normal((3, 3))
T = rng.standard_normal((2, 3, 4))
INF, UP = onp.inf, onp.cumsum(0.2 + rng.random(6))  # ascending
NAN = onp.where(rng.random((4, 5)) < 0.3, onp.nan, rng.standard_normal((4, 5)))
Z = M + 1j * M[::-1]
POSITIVE = 0.5 + rng.random((3, 4))
MASK, ZEROS = M > 0, onp.array([2.0, 0.0, 3.0, 0.0])
Q = onp.array([0.03, 0.31, 0.77])  # between entries
CUBE, PAIRS = rng.standard_normal((3, 3, 3)), rng.standard_normal((6, 2))

CALLS = {
    # arrangements
    "atleast_3d": [lambda f, x=V: f(x), lambda f, x=M: f(x), lambda f, x=T, y=V[0]: f(x, y)],
    "broadcast_arrays": [lambda f, x=U, y=M: f(x, y)],
    "diagflat": [lambda f, x=U: f(x), lambda f, x=M[:2, :2]: f(x, -1)],
    "fliplr": [lambda f, x=M: f(x)],
    "flipud": [lambda f, x=M: f(x)],
    "ix_": [lambda f, x=U, y=V: f(x, y)],
    "meshgrid": [
        lambda f, x=U, y=V: f(x, y),
        lambda f, x=U, y=V: f(x, y, indexing="ij", sparse=True),
        lambda f, x=U, y=V, z=W: f(x, y, z),
        lambda f, x=U: f(x),
    ],
    "resize": [lambda f, x=M: f(x, (2, 7)), lambda f, x=M: f(x, 3)],
    "rollaxis": [lambda f, x=T: f(x, 2), lambda f, x=T: f(x, 0, 3), lambda f, x=T: f(x, 1, -1)],
    "rot90": [*[lambda f, x=M, k=k: f(x, int(k)) for k in range(-1, 5)], lambda f, x=T: f(x, 1, (2, 0))],
    "trim_zeros": [lambda f, x=V: f(x * [0, 0, 1, 1, 0, 1]), lambda f, x=V: f(x * [0, 1, 1, 1, 1, 0], "b")],
    "unstack": [lambda f, x=M: f(x, axis=1)],
    # joining
    "asanyarray": [lambda f, x=M: f(x)],
    "asarray_chkfinite": [lambda f, x=M: f(x)],
    "ascontiguousarray": [lambda f, x=M: f(x)],
    "asfortranarray": [lambda f, x=M: f(x)],
    "copy": [lambda f, x=M: f(x)],
    "block": [
        lambda f, x=M, y=S: f([x, y]),
        lambda f, x=S, y=V[:3]: f([[x, x], [y, y]]),
        lambda f, x=V, y=U: f([x, [y][0], 1.0]),
        lambda f, x=V: f(x),
    ],
    "concat": [lambda f, x=M, y=M: f([x, y], 1)],
    "dsplit": [lambda f, x=T: f(x, 2), lambda f, x=T: f(x, [1, 3])],
    "dstack": [lambda f, x=M, y=M: f([x, y]), lambda f, x=V, y=V: f([x, y]), lambda f, x=T: f([x, x])],
    # products
    "cross": [
        lambda f, x=S, y=V[:3]: f(x, y),
        lambda f, x=S[:, :2], y=S: f(x, y),
        lambda f, x=S, y=S[:, :2]: f(x, y),
        lambda f, x=S, y=M[:, :3]: f(x, y, axisb=0, axisc=0),
        lambda f, x=S, y=S: f(x, y, axis=0),
    ],
    "matvec": [lambda f, x=T, y=U: f(x, y), lambda f, x=Z, y=U: f(x, y)],
    "vecdot": [lambda f, x=T, y=U: f(x, y), lambda f, x=Z, y=M: f(x, y, axis=0)],
    "vecmat": [lambda f, x=V[:3], y=T: f(x, y), lambda f, x=Z[:, 0], y=M: f(x, y)],
    # scans and differences
    "cumprod": [lambda f, x=M: f(x, 1), lambda f, x=M: f(x), lambda f, x=ZEROS: f(x)],
    "cumulative_sum": [lambda f, x=V: f(x), lambda f, x=M: f(x, axis=0, include_initial=True)],
    "cumulative_prod": [lambda f, x=V: f(x), lambda f, x=M: f(x, axis=1, include_initial=True)],
    "diff": [
        lambda f, x=M: f(x),
        lambda f, x=M: f(x, 2, 0),
        lambda f, x=M: f(x, 0),
        lambda f, x=M, y=V[:3, None], z=V[0]: f(x, prepend=y, append=z),
    ],
    "ediff1d": [lambda f, x=M: f(x), lambda f, x=V, y=U, z=V[0]: f(x, to_end=y, to_begin=z)],
    "gradient": [
        lambda f, x=V: f(x),
        lambda f, x=T: f(x),
        lambda f, x=M: f(x, 0.5, axis=1),
        lambda f, x=M: f(x, 0.5, 2.0, edge_order=2),
        lambda f, x=V, y=UP: f(x, y),
        lambda f, x=V, y=UP: f(x, y, edge_order=2),
        lambda f, x=T, y=UP[:4]: f(x, 1.5, y, axis=(0, 2)),
        lambda f, x=V[:2]: f(x),
    ],
    "trapezoid": [
        lambda f, x=M: f(x),
        lambda f, y=M, x=UP[:4]: f(y, x),
        lambda f, y=M, x=M**2: f(y, x, axis=0),
        lambda f, y=M: f(y, dx=0.3, axis=0),
    ],
    "unwrap": [lambda f, x=5 * M: f(x), lambda f, x=5 * M: f(x, axis=0, period=3.0), lambda f, x=5 * V: f(x, 4.0)],
    # sorted entries
    "sort": [lambda f, x=M: f(x), lambda f, x=T: f(x, 1), lambda f, x=M: f(x, None)],
    "partition": [lambda f, x=V: f(x, 2), lambda f, x=M: f(x, [1, 2]), lambda f, x=M: f(x, 1, 0)],
    "quantile": [
        *[
            lambda f, x=V, m=m: f(x, [0.0, 0.3, 0.77, 1.0], method=m)
            for m in (
                *("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "hazen"),
                *("closest_observation", "interpolated_inverted_cdf", "weibull", "median_unbiased", "normal_unbiased"),
            )
        ],
        *[
            lambda f, x=V, q=Q, m=m: f(x, q, method=m)
            for m in ("linear", "hazen", "weibull", "median_unbiased", "normal_unbiased", "interpolated_inverted_cdf")
        ],
        *[lambda f, x=V, q=Q[1:, None], m=m: f(x, q, method=m) for m in ("nearest", "midpoint")],
        lambda f, x=T, q=Q[:, None]: f(x, q, (0, 2), keepdims=True),
        lambda f, x=M, q=Q[1]: f(x, q, 1),
        lambda f, x=M: f(x, 0.4),
        lambda f, x=M: f(x, 0.4, 0),
        lambda f, x=T: f(x, [[0.2], [0.9]], (0, 2), keepdims=True),
        lambda f, x=M: f(x, 0.4, keepdims=True),
    ],
    "percentile": [lambda f, x=M: f(x, [10, 66.0], 1), lambda f, x=M, q=100 * Q: f(x, q, 1)],
    "median": [lambda f, x=V: f(x), lambda f, x=T: f(x, (0, 1)), lambda f, x=M: f(x, 0, keepdims=True)],
    "sort_complex": [lambda f, x=V: f(x)],
    "unique": [lambda f, x=M: f(x), lambda f, x=S[[2, 0, 1]]: f(x, axis=0)],
    # not a number
    **{
        name: [
            lambda f, x=NAN: f(x),
            lambda f, x=NAN: f(x, axis=0, keepdims=True),
            lambda f, x=NAN: f(x, axis=(0, 1)),
            lambda f, x=NAN: f(x, 1),
        ]
        for name in ("nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanmedian")
    },
    "nanvar": [lambda f, x=NAN: f(x), lambda f, x=NAN: f(x, 0, ddof=0.5), lambda f, x=NAN: f(x, 1, keepdims=True)],
    "nanstd": [lambda f, x=NAN: f(x), lambda f, x=NAN: f(x, 1, ddof=0.5)],
    "nancumsum": [lambda f, x=NAN: f(x), lambda f, x=NAN: f(x, 1)],
    "nancumprod": [lambda f, x=NAN: f(x), lambda f, x=NAN: f(x, 0)],
    "nanquantile": [
        lambda f, x=NAN, q=Q: f(x, q, 1),
        lambda f, x=NAN: f(x, [0.2, 0.7], 1),
        lambda f, x=NAN: f(x, 0.3, method="hazen"),
    ],
    "nanpercentile": [lambda f, x=NAN: f(x, 20.0, 0, keepdims=True)],
    # convolutions, polynomials, interpolation
    **{
        name: [
            *[lambda f, x=x, y=y, m=m: f(x, y, m) for m in ("full", "same", "valid") for x, y in ((V, U), (U, V))],
            *[lambda f, x=V, y=U[:3], m=m: f(x, y, m) for m in ("full", "same", "valid")],
            lambda f, x=U[:3], y=V: f(x, y, "same"),
            lambda f, x=Z[0], y=Z[1, :2]: f(x, y),
        ]
        for name in ("convolve", "correlate")
    },
    "poly": [lambda f, x=U: f(x), lambda f, x=S: f(x)],
    "polyadd": [lambda f, x=U, y=V: f(x, y), lambda f, x=V, y=U: f(x, y), lambda f, x=V, y=W: f(x, y)],
    "polyder": [lambda f, x=V: f(x), lambda f, x=V: f(x, 3)],
    "polyfit": [
        lambda f, x=UP, y=V: f(x, y, 2),
        lambda f, x=UP, y=PAIRS: f(x, y, 1),
        lambda f, x=UP, y=V, w=UP + 1: f(x, y, 2, w=w),
    ],
    "polyint": [lambda f, x=V: f(x), lambda f, x=V: f(x, 2, [1.0, 2.0])],
    "polymul": [lambda f, x=V, y=U: f(x, y)],
    "polysub": [lambda f, x=V, y=U: f(x, y)],
    "polyval": [lambda f, p=V, x=U: f(p, x), lambda f, p=V, x=U[0]: f(p, x)],
    "roots": [lambda f, p=V: f(p), lambda f, p=V: f(p * [0, 1, 1, 1, 1, 0]), lambda f, p=V[:1]: f(p)],
    "vander": [lambda f, x=V: f(x), lambda f, x=V: f(x, 3, True)],
    "interp": [
        lambda f, x=M + 1.5, xp=UP, fp=V: f(x, xp, fp),
        lambda f, x=M + 1.5, xp=UP, fp=V: f(x, xp, fp, left=-1.0, right=2.0),
        lambda f, x=5 * M, xp=UP, fp=V: f(x, xp, fp, period=4.0),
        lambda f, x=1.234, xp=UP, fp=V: f(x, xp, fp),
        lambda f, x=V, xp=UP[:1], fp=U[:1]: f(x, xp, fp),
    ],
    # choosing entries
    "choose": [
        lambda f, x=M, y=M[::-1]: f(MASK.astype(int), [x, y]),
        lambda f, x=U: f([0, 3, 5], list(x), mode="wrap"),
    ],
    "compress": [lambda f, x=M: f([True, False, True], x, 0), lambda f, x=M: f([False, True], x)],
    "delete": [
        lambda f, x=V: f(x, 2),
        lambda f, x=M: f(x, [0, -1], 1),
        lambda f, x=M: f(x, slice(0, 2), 0),
        lambda f, x=M: f(x, MASK.ravel()),
    ],
    "extract": [lambda f, x=M: f(MASK, x)],
    "insert": [
        lambda f, x=V, y=V[0]: f(x, 2, y),
        lambda f, x=V, y=U: f(x, 1, y),
        lambda f, x=V, y=U[:2]: f(x, [1, 4], y),
        lambda f, x=V, y=U[:2]: f(x, [3, 3], y),
        lambda f, x=V, y=V[0]: f(x, [1, -1, 4], y),
        lambda f, x=V, y=U[:3]: f(x, slice(0, 5, 2), y),
        lambda f, x=M, y=U: f(x, 1, y, axis=0),
        lambda f, x=M, y=V[:3]: f(x, 1, y, axis=1),
        lambda f, x=M, y=V[:3, None]: f(x, [1], y, axis=1),
        lambda f, x=M, y=M[:, :2]: f(x, [1, 2], y, axis=1),
        lambda f, x=M, y=V[0]: f(x, -1, y, axis=-1),
        lambda f, x=M, y=V[0]: f(x, 3, y),
    ],
    "piecewise": [
        lambda f, x=M: f(x, [x < -0.5, x > 0.5], [lambda t: t**2, lambda t: t**3]),
        lambda f, x=M: f(x, [x < 0.5, x > -0.5], [lambda t: t**2, lambda t: t**3, 3.0]),
        lambda f, x=V: f(x, x < 0, [lambda t, a: a * t, lambda t, a: t**a], 2),
        lambda f, x=V[0]: f(x, [x < 0, x >= 0], [lambda t: -t, lambda t: t * t]),
    ],
    "select": [lambda f, x=M, y=U: f([x > 0.5, x < 0], [x**2, y], 7.0), lambda f, x=M: f([x > 0.5], [x**3])],
    # numbers and their parts
    "divmod": [lambda f, x=M, y=POSITIVE: f(x, y)],
    "float_power": [lambda f, x=POSITIVE, y=M: f(x, y), lambda f, x=POSITIVE: f(x, 2)],
    "frexp": [lambda f, x=M: f(x)],
    "modf": [lambda f, x=3 * M: f(x)],
    "nan_to_num": [
        lambda f, x=NAN: f(x),
        lambda f, x=V: f(x / [1, 1, onp.inf, 1, 1, 1]),
        lambda f, x=NAN: f(x, nan=2.0),
        lambda f, x=Z: f(x),
    ],
    "real_if_close": [lambda f, x=M: f(x), lambda f, x=Z: f(x), lambda f, x=M: f(x + 0j)],
    # statistics
    "bincount": [lambda f, w=V: f(onp.array([0, 2, 2, 1, 0, 3]), w)],
    "average": [
        lambda f, x=M: f(x),
        lambda f, x=M, w=POSITIVE: f(x, weights=w),
        lambda f, x=M, w=UP[:4]: f(x, -1, w, True),
        lambda f, x=M: f(x, 0, returned=True),
        lambda f, x=M, w=POSITIVE: f(x, 1, w, keepdims=True),
    ],
    "corrcoef": [lambda f, x=M: f(x), lambda f, x=V, y=W: f(x, y), lambda f, x=M: f(x, rowvar=False)],
    "cov": [
        lambda f, x=M: f(x),
        lambda f, x=V, y=W: f(x, y),
        lambda f, x=V: f(x),
        lambda f, x=M: f(x, rowvar=False, bias=True),
        lambda f, x=M, w=UP[:4]: f(x, aweights=w),
        lambda f, x=M, w=UP[:4]: f(x, fweights=onp.array([1, 2, 1, 3]), aweights=w, ddof=0),
        lambda f, x=M: f(x, fweights=onp.array([1, 2, 1, 3])),
        lambda f, x=Z: f(x),
    ],
    "ptp": [lambda f, x=M: f(x), lambda f, x=M: f(x, 0), lambda f, x=T: f(x, (0, 1), keepdims=True)],
    # mapping
    "apply_along_axis": [
        lambda f, x=M: f(lambda v: v[0] * v[-1], 0, x),
        lambda f, x=T: f(lambda v: v[:2] * v[1:3], 1, x),
        lambda f, x=M: f(lambda v, a: v[:, None] * v * a, 1, x, 2.0),
    ],
    "apply_over_axes": [lambda f, x=T: f(lambda a, k: a.sum(k), x, [0, 2])],
    "vectorize": [
        lambda f, x=M, y=U: f(lambda a, b: a * b if a > 0 else b)(x, y),
        lambda f, x=V[0]: f(lambda a: a * a)(x),
        lambda f, x=V: f(lambda a: (a, 2 * a))(x),
        lambda f, x=V, p=U: f(lambda a, p: a * p.sum(), excluded={1})(x, p),
    ],
    # creation
    "full": [lambda f, x=V[0]: f((2, 3), x), lambda f, x=U: f((2, 4), x)],
    "full_like": [lambda f, x=V[0]: f(M, x)],
    "linspace": [
        lambda f, a=V[0], b=V[1]: f(a, b, 5),
        lambda f, a=V[0], b=U: f(a, b, 5, endpoint=False, retstep=True),
        lambda f, a=U, b=V[1]: f(a, b, 3, axis=-1),
        lambda f, a=V[0]: f(a, 1.0, 1),
    ],
    "logspace": [lambda f, a=V[0], b=V[1]: f(a, b, 4), lambda f, a=V[0], b=V[1]: f(a, b, 3, base=2.0)],
    "geomspace": [lambda f, a=1.3, b=7.5: f(a, b, 4)],
    # einsum, beyond test_numpy.py
    "einsum": [
        lambda f, x=T, y=M: f("...ij,ij", x, y),
        lambda f, x=T, y=T: f("a...c,a...c->c...", x, y),
        lambda f, x=S, y=S: f("ii,ij->j", x, y),
        lambda f, x=CUBE: f("iii", x),
        lambda f, x=CUBE: f("iii->i", x),
        lambda f, x=M, y=M, z=M: f("ij,kj,kl->il", x, y, z, optimize=True),
        lambda f, x=M, y=M: f("ij,kj->ik", x, y, optimize="greedy"),
        lambda f, x=M, y=U: f(x, [0, 1], y, [1]),
        lambda f, x=M, y=U: f(x, [0, 1], y, [1], [0]),
        lambda f, x=T, y=U: f(x, [..., 1], y, [1], [...]),
    ],
}
PARAMS = [pytest.param(name, call, id=f"{name}-{k}") for name, calls in CALLS.items() for k, call in enumerate(calls)]


def parts(result):
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")  # NumPy's own cross
@pytest.mark.parametrize(("name", "call"), PARAMS)
def test_values_are_numpys(name, call):
    ours, theirs = parts(call(getattr(np, name))), parts(call(getattr(onp, name)))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert onp.shape(a) == onp.shape(b)
        onp.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


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
    value, pull = vjp(lambda q: np.quantile(infinite, q), 0.1)
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
        (lambda t: np.vectorize(np.sum, signature="(n)->()"), NotImplementedError, "use apply_along_axis"),
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
def test_float32_stays_float32(fun):
    x = onp.array([1.3, 2.1, 0.4, 3.3], onp.float32)
    assert traced(fun, [x]).dtype == onp.float32  # where nothing is traced it is as NumPy likes
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
