"""Calls of the public functions, each a function of the function: its default arguments are the arrays.

``CALLS`` holds those that are compositions; what is a primitive has its examples. Whatever is to hold for all functions
is tested over ``EVERY``.
"""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import PRIMITIVES
from ddtrain.autodiff.core.examples import Sampler

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
    # options that rules must know
    "angle": [lambda f, x=Z: f(x), lambda f, x=Z: f(x, True), lambda f, x=Z: f(x, deg=True)],
    "pad": [
        *[
            lambda f, x=M, m=m: f(x, ((1, 2), (0, 3)), m)
            for m in ("edge", "reflect", "symmetric", "wrap", "mean", "median", "maximum", "minimum", "linear_ramp")
        ],
        lambda f, x=M: f(x, 1),
        lambda f, x=M: f(x, (2, 0), constant_values=(3.0, 4.0)),
        lambda f, x=M: f(x, 2, "constant", constant_values=((1.0, 2.0), (3.0, 4.0))),
        lambda f, x=M, v=V[0]: f(x, 1, constant_values=v),
        lambda f, x=M: f(x, 7, "reflect", reflect_type="odd"),
        lambda f, x=M: f(x, (2, 3), "symmetric", reflect_type="odd"),
        lambda f, x=M: f(x, 2, "mean", stat_length=2),
        lambda f, x=M: f(x, 2, "maximum", stat_length=((1, 2), (3, 1))),
        lambda f, x=M: f(x, (1, 3), "linear_ramp", end_values=((5.0, -4.0), (2.0, 1.0))),
        lambda f, x=M: f(x, {1: (1, 2)}, "median"),
    ],
    "sign": [lambda f, x=Z: f(x), lambda f, x=M: f(x)],
    "where": [lambda f, x=M, y=U: f(MASK, x, y), lambda f, x=M: f(MASK, x, 0.0)],
    # einsum: ellipses, repeated labels
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

K, R = rng.standard_normal((2, 3, 3)), S + 3 * onp.eye(3)  # a stack, and a matrix that has an inverse
CUBOID = rng.standard_normal((2, 1, 2))
SPD = S @ S.T + onp.eye(3)

MORE = {  # functions of which other tests look at the values and derivatives
    "abs": [lambda f, x=Z: f(x)],
    "append": [lambda f, x=V, y=U: f(x, y), lambda f, x=M, y=M: f(x, y, axis=0)],
    "around": [lambda f, x=M: f(x, 1)],
    "array": [lambda f, x=V: f(x)],
    "array_split": [lambda f, x=V: f(x, 4)],
    "atleast_1d": [lambda f, x=V[0]: f(x)],
    "atleast_2d": [lambda f, x=V: f(x)],
    "broadcast_to": [lambda f, x=U: f(x, (3, 4)), lambda f, x=V[0]: f(x, 2)],
    "clip": [lambda f, x=M: f(x, -0.5, 0.5), lambda f, x=M, y=U - 1: f(x, y, 2.0)],
    "column_stack": [lambda f, x=V, y=W: f((x, y))],
    "concatenate": [lambda f, x=M, y=M: f([x, y], 1), lambda f, x=M, y=U: f((x, y), None)],
    "diag": [lambda f, x=V: f(x, 1), lambda f, x=M: f(x)],
    "dot": [lambda f, x=M, y=U: f(x, y), lambda f, x=T, y=T[0].T: f(x, y)],
    "expand_dims": [lambda f, x=V: f(x, (0, 2))],
    "hsplit": [lambda f, x=M: f(x, 2)],
    "hstack": [lambda f, x=V, y=U: f([x, y])],
    "imag": [lambda f, x=Z: f(x)],
    "inner": [lambda f, x=M, y=U: f(x, y)],
    "kron": [lambda f, x=M, y=U: f(x, y)],
    "matrix_transpose": [lambda f, x=T: f(x)],
    "moveaxis": [lambda f, x=T: f(x, 0, -1)],
    "outer": [lambda f, x=V, y=U: f(x, y)],
    "ravel": [lambda f, x=M: f(x), *[lambda f, x=M.T, order=order: f(x, order) for order in "CFAK"]],
    "reshape": [lambda f, x=M.T: f(x, (2, 6), "A"), lambda f, x=M: f(x, (2, 6))],
    "real": [lambda f, x=Z: f(x)],
    "repeat": [lambda f, x=M: f(x, 2), lambda f, x=M: f(x, [1, 0, 2], 0)],
    "roll": [lambda f, x=M: f(x, 1)],
    "split": [lambda f, x=V: f(x, 3), lambda f, x=V: f(x, [1, 4])],
    "squeeze": [lambda f, x=M[None]: f(x)],
    "stack": [lambda f, x=V, y=W: f([x, y], 1)],
    "swapaxes": [lambda f, x=T: f(x, 0, 1)],
    "take": [lambda f, x=M: f(x, [1, 1, 0], 1), lambda f, x=M: f(x, 3)],
    "take_along_axis": [lambda f, x=M: f(x, onp.argsort(M, 1), 1)],
    "tensordot": [lambda f, x=T, y=M: f(x, y), lambda f, x=T, y=U: f(x, y, ([2], [0]))],
    "tile": [lambda f, x=V: f(x, 2), lambda f, x=M: f(x, (2, 1, 2))],
    "trace": [lambda f, x=S: f(x)],
    "vdot": [lambda f, x=Z, y=M: f(x, y)],
    "vsplit": [lambda f, x=M: f(x, 3)],
    "vstack": [lambda f, x=U, y=M: f([x, y])],
    "linalg.cholesky": [lambda f, x=SPD: f(x)],
    "linalg.cond": [lambda f, x=R: f(x), lambda f, x=R: f(x, 1)],
    "linalg.cross": [lambda f, x=S, y=S: f(x, y)],
    "linalg.det": [lambda f, x=S: f(x), lambda f, x=K: f(x)],
    "linalg.diagonal": [lambda f, x=K: f(x)],
    "linalg.eigvals": [lambda f, x=R: f(x)],
    "linalg.eigvalsh": [lambda f, x=SPD: f(x)],
    "linalg.inv": [lambda f, x=R: f(x), lambda f, x=K: f(x)],
    "linalg.lstsq": [lambda f, x=M.T, y=U: f(x, y)[0]],
    "linalg.matmul": [lambda f, x=K, y=S: f(x, y)],
    "linalg.matrix_norm": [lambda f, x=K: f(x), lambda f, x=K: f(x, ord="nuc")],
    "linalg.matrix_power": [lambda f, x=S: f(x, 3), lambda f, x=S: f(x, -2)],
    "linalg.matrix_transpose": [lambda f, x=K: f(x)],
    "linalg.multi_dot": [lambda f, x=M.T, y=S, z=V[:3]: f([x, y, z])],
    "linalg.norm": [
        *[lambda f, x=V, p=p: f(x, p) for p in (None, 1, 3, 0.5, INF, -INF, 0)],
        *[lambda f, x=M, p=p: f(x, p) for p in (None, 1, 2, "nuc", "fro")],
        lambda f, x=M: f(x, axis=1),
        lambda f, x=T: f(x, axis=(0, 2), keepdims=True),
    ],
    "linalg.outer": [lambda f, x=V, y=U: f(x, y)],
    "linalg.pinv": [lambda f, x=M: f(x)],
    "linalg.slogdet": [lambda f, x=S: f(x)],
    "linalg.solve": [lambda f, x=R, y=V[:3]: f(x, y), lambda f, x=K, y=S: f(x, y)],
    "linalg.svdvals": [lambda f, x=M: f(x)],
    "linalg.tensordot": [lambda f, x=T, y=M: f(x, y)],
    "linalg.tensorinv": [lambda f, x=CUBOID: f(x, 1)],
    "linalg.tensorsolve": [lambda f, x=R, y=V[:3]: f(x, y)],
    "linalg.trace": [lambda f, x=K: f(x)],
    "linalg.vecdot": [lambda f, x=M, y=U: f(x, y)],
    "linalg.vector_norm": [lambda f, x=M: f(x), lambda f, x=M: f(x, axis=1, ord=3)],
    **{f"fft.{name}": [lambda f, x=Z: f(x), lambda f, x=M: f(x)] for name in ("fft", "ifft", "fft2", "ifft2", "fftn")},
    **{f"fft.{name}": [lambda f, x=Z: f(x), lambda f, x=M: f(x)] for name in ("ifftn", "irfft", "irfft2", "irfftn")},
    **{f"fft.{name}": [lambda f, x=M: f(x)] for name in ("rfft", "rfft2", "rfftn", "ihfft", "fftshift", "ifftshift")},
    "fft.hfft": [lambda f, x=Z: f(x)],
}


def find(space, name):
    """The function of a dotted name."""
    for part in name.split("."):
        space = getattr(space, part)
    return space


def _of_example(prim, k):
    """An example of a primitive as a call with arrays for defaults."""
    case = prim.examples(Sampler())[k]

    def call(f, *arrays):
        args = list(case.args)
        for i, x in zip(case.differentiated, arrays):
            args[i] = x
        return f(*args, **case.kwargs)

    call.__defaults__ = tuple(case.args[i] for i in case.differentiated)
    return call


def _primitives():
    for name in np.__all__:
        prim = getattr(np, name)
        if name not in CALLS and name not in MORE and any(prim is p for p in PRIMITIVES) and prim.differentiable:
            yield name, [_of_example(prim, k) for k in range(len(prim.examples(Sampler())))]


# (identity, dotted name, call)
EVERY = [
    (f"{name}-{k}", name, call)
    for name, calls in [*CALLS.items(), *MORE.items(), *_primitives()]
    for k, call in enumerate(calls)
]


def arrays_of(call):
    """The floating arrays of a call, which come first, and its further defaults, which are options."""
    moving = [x for x in call.__defaults__ if onp.asarray(x).dtype.kind in "fc"]
    return moving, call.__defaults__[len(moving) :]


def parts(result):
    """The results of a function as a list."""
    return list(result) if isinstance(result, tuple | list) else [result]
