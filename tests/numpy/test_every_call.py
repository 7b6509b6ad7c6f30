"""What holds for every function: NumPy's dtypes under a trace, lists and NumPy's integers where it takes them, and its
values at infinities and zeros.

Driven by the table of calls, so that a new function is tested as it is added. What would make these fail: a rule that
asks an argument for its shape, ``isinstance(n, int)``, a constant that is wider than what it meets, and a formula other
than NumPy's.
"""

import numpy as onp
import pytest
from calls import EVERY, M, V, arrays_of, find, parts

import ddtrain.numpy as np
from ddtrain.autodiff import jvp, record, value_of, vjp

PARAMS = [pytest.param(name, call, id=identity) for identity, name, call in EVERY]
quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")  # NumPy's own


def traced(call, fun, arrays, options):
    """The values of a call under a trace of its arrays."""
    kept = []

    def watch(*arrays):
        kept.extend(parts(call(fun, *arrays, *options)))
        return np.sum(arrays[0])

    record(watch, arrays)
    return [value_of(part) for part in kept]


def in_single(x):
    return onp.asarray(x, {"f": onp.float32, "c": onp.complex64}[onp.asarray(x).dtype.kind])


@quietly
@pytest.mark.parametrize(("name", "call"), PARAMS)
def test_dtypes_are_numpys_and_gradients_those_of_what_went_in(name, call):
    arrays, options = arrays_of(call)
    singles = [in_single(x) for x in arrays]
    expected = parts(call(find(onp, name), *singles, *options))
    assert [p.dtype for p in traced(call, find(np, name), singles, options)] == [onp.asarray(p).dtype for p in expected]
    values, pull = vjp(lambda *xs: parts(call(find(np, name), *xs, *options)), *singles)
    assert [g.dtype for g in pull(values)] == [x.dtype for x in singles]
    pushed = jvp(lambda *xs: parts(call(find(np, name), *xs, *options)), singles, singles)[1]
    assert [onp.asarray(t).dtype for t in pushed if onp.asarray(t).dtype.kind in "fc"] == [
        p.dtype for p in values if onp.asarray(p).dtype.kind in "fc"
    ]


@quietly
@pytest.mark.parametrize(("name", "call"), PARAMS)
def test_a_list_may_stand_for_each_array(name, call):
    arrays, options = arrays_of(call)
    for k, x in enumerate(arrays):
        for form in [x.tolist(), tuple(x.tolist())] if onp.ndim(x) else []:
            try:
                call(find(onp, name), *arrays[:k], form, *arrays[k + 1 :], *options)
            except (AttributeError, TypeError, ValueError, IndexError):
                continue  # the call itself needs an array, or NumPy does
            others = [*arrays[:k], *arrays[k + 1 :]]

            def beside(x, k=k):
                return lambda *xs: parts(call(find(np, name), *xs[:k], x, *xs[k:], *options))

            if others:
                assert_same_derivatives(beside(form), beside(x), others)


@quietly
@pytest.mark.parametrize(("name", "call"), PARAMS)
def test_a_list_may_hold_what_is_traced(name, call):
    arrays, options = arrays_of(call)
    for k, x in enumerate(arrays):
        if not onp.ndim(x) or name in ("ravel", "reshape"):  # which ask for the layout, and a list has none
            continue
        try:
            call(find(onp, name), *arrays[:k], list(x), *arrays[k + 1 :], *options)
        except (AttributeError, TypeError, ValueError, IndexError):
            continue

        def among(form, k=k):
            return lambda y: parts(call(find(np, name), *arrays[:k], form(y), *arrays[k + 1 :], *options))

        assert_same_derivatives(among(list), among(lambda y: y), [x])


def assert_same_derivatives(fun, expected, arrays):
    (ours, pull), (theirs, exact) = vjp(fun, *arrays), vjp(expected, *arrays)
    pushed = [jvp(f, arrays, [onp.ones_like(x) for x in arrays])[1] for f in (fun, expected)]
    for a, b in zip([*ours, *pull(ours), *pushed[0]], [*theirs, *exact(theirs), *pushed[1]]):
        assert onp.shape(a) == onp.shape(b)
        onp.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)  # BLAS may add in another order


BORDERS = onp.array([onp.inf, -onp.inf, onp.nan, 0.0, -0.0, 1e-310, 1e-200, 1e200, -1e200, 1e308, 1.0, -1.0])
# what is not tried: LAPACK may not return; sums in another order than NumPy's; coordinates that must ascend; LU, whose
# pivots decide; a matrix for what NumPy mirrors step by step; a neighbour that NumPy takes 0 times, or an entry twice
LEFT_OUT = {"poly", "polyfit", "roots", "interp", "einsum-6", "dot-1", "vecdot-1", "corrcoef-0", "pad-13", "pad-14"}
LEFT_OUT |= {"quantile-6", "nanmedian-1", "cov-4", "cov-5"}
AT_BORDERS = [
    p
    for p in PARAMS
    if not {p.id, p.values[0]} & LEFT_OUT and not p.values[0].startswith(("linalg.", "matmul", "fft."))
]


@quietly
@pytest.mark.parametrize(("name", "call"), AT_BORDERS)
def test_values_at_infinities_and_zeros_are_numpys(name, call):
    arrays, options = arrays_of(call)
    rng = onp.random.default_rng(2)
    for k in range(6):
        some = [
            onp.where(rng.random(onp.shape(x)) < 0.2 + 0.2 * (k % 4), rng.choice(BORDERS, onp.shape(x)), x)
            for x in arrays
        ]
        some = [onp.zeros_like(x) if k == 5 else onp.asarray(y, onp.asarray(x).dtype) for x, y in zip(arrays, some)]
        try:
            expected = parts(call(find(onp, name), *some, *options))
        except (ValueError, ZeroDivisionError):
            continue
        for a, b in zip(traced(call, find(np, name), some, options), expected, strict=True):
            onp.testing.assert_allclose(a, b, rtol=1e-9)  # another order of products, of a few numbers


@quietly
@pytest.mark.filterwarnings("ignore:future versions will not create a writeable:FutureWarning")  # broadcast_arrays
@pytest.mark.parametrize(("name", "call"), PARAMS)
def test_plain_calls_are_numpys_to_the_memory(name, call):
    copies = [onp.array(x) if onp.ndim(x) else x for x in call.__defaults__]
    ours, theirs = (parts(call(find(space, name), *copies)) for space in (np, onp))
    given = [x for x in copies if isinstance(x, onp.ndarray)]
    for a, b in zip(ours, theirs, strict=True):
        assert type(a) is type(b)
        if isinstance(b, onp.ndarray):
            assert [onp.shares_memory(a, x) for x in given] == [onp.shares_memory(b, x) for x in given]
            assert (a.dtype, a.flags.writeable, a.strides) == (b.dtype, b.flags.writeable, b.strides)
        onp.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", ["sum", "max", "min", "amax", "mean", "prod", "std", "ptp", "cumsum", "sort"])
def test_masked_arrays_keep_their_masks_where_nothing_is_traced(name):
    x = onp.ma.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], mask=[[0, 1, 0], [0, 0, 1]])
    for axis in (None, 0, 1):
        assert repr(getattr(np, name)(x, axis=axis)) == repr(getattr(onp, name)(x, axis=axis))
    plain = onp.matrix([[1.0, 2.0], [3.0, 4.0]])
    assert repr(getattr(np, name)(plain)) == repr(getattr(onp, name)(plain))


SMALL = {
    "empty": lambda x: x[:0] if x.ndim else x,
    "empty rows": lambda x: x[..., :0] if x.ndim else x,
    "one entry": lambda x: x[(slice(0, 1),) * x.ndim],
    "number": lambda x: x.reshape(-1)[0] if x.size else x,
}
# LAPACK speaks of an empty system; NumPy's weights of no observations, a label for 0 and 3, a pad of no rows
NOT_EMPTY = {"linalg.lstsq", "linalg.tensorsolve", "cov-4", "cov-5", "einsum-4", "pad-9", "pad-18"}


@quietly
@pytest.mark.parametrize(("name", "call"), [p for p in PARAMS if not {p.id, p.values[0]} & NOT_EMPTY])
def test_empty_arrays_single_entries_and_numbers(name, call):
    arrays, options = arrays_of(call)
    for form in SMALL.values():
        small = [form(onp.asarray(x)) for x in arrays]
        try:
            expected = parts(call(find(onp, name), *small, *options))
        except (ArithmeticError, AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            continue
        fun = lambda *xs: parts(call(find(np, name), *xs, *options))
        values, pull = vjp(fun, *small)
        for a, b in zip(values, expected, strict=True):
            assert onp.shape(a) == onp.shape(b)
            onp.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
        assert [g.shape for g in pull(values)] == [x.shape for x in small]
        assert [onp.shape(t) for t in jvp(fun, small, small)[1]] == [onp.shape(b) for b in expected]


N = 2
WITH_INTEGERS = {
    "append": lambda f, x, n: f(x, x, n - 1),
    "apply_along_axis": lambda f, x, n: f(lambda v: v * v, n - 1, x),
    "apply_over_axes": lambda f, x, n: f(lambda a, k: a.sum(k), x, n - 1),
    "argmax": lambda f, x, n: x[:, 0] * f(x, n - 1),
    "array_split": lambda f, x, n: f(x, n),
    "average": lambda f, x, n: f(x, n - 1, x[0] ** 2),
    "bincount": lambda f, x, n: f([0, 1, 1, 2], x[0], n + 4),
    "broadcast_to": lambda f, x, n: f(x[:2, 0], (n, n)),
    "choose": lambda f, x, n: f(n - 1, [x, x * 2]),
    "clip": lambda f, x, n: f(x, n - 2, n - 1),
    "compress": lambda f, x, n: f([True, False], x, n - 1),
    "concatenate": lambda f, x, n: f([x, x], n - 1),
    "convolve": lambda f, x, n: f(x[0], x[1], n),
    "cov": lambda f, x, n: f(x, ddof=n - 1),
    "cross": lambda f, x, n: f(x[:, :3], x[:, :3], axis=n - 1),
    "cumprod": lambda f, x, n: f(x, n - 1),
    "cumsum": lambda f, x, n: f(x, n - 1),
    "cumulative_sum": lambda f, x, n: f(x, axis=n - 1),
    "delete": lambda f, x, n: f(x, n, n - 1),
    "diag": lambda f, x, n: f(x[0], n),
    "diagflat": lambda f, x, n: f(x, n),
    "diagonal": lambda f, x, n: f(x, n - 1, n - 2, n - 1),
    "diff": lambda f, x, n: f(x, n, n - 1),
    "dsplit": lambda f, x, n: f(x[:2].reshape(2, 2, 2), n),
    "expand_dims": lambda f, x, n: f(x, n),
    "flip": lambda f, x, n: f(x, n - 1),
    "full": lambda f, x, n: f(n, x[0, 0]),
    "geomspace": lambda f, x, n: f(x[0] ** 2, x[1] ** 2, n + 1),
    "gradient": lambda f, x, n: f(x, axis=n - 1, edge_order=n),
    "hsplit": lambda f, x, n: f(x, n),
    "insert": lambda f, x, n: f(x, n, x[:, 0], n - 1),
    "ldexp": lambda f, x, n: f(x, n),
    "linspace": lambda f, x, n: f(x[0], x[1], n, axis=n - 1),
    "logspace": lambda f, x, n: f(x[0], 1.0, n),
    "max": lambda f, x, n: f(x, n - 1),
    "median": lambda f, x, n: f(x, n - 1),
    "moveaxis": lambda f, x, n: f(x, n - 2, n - 1),
    "nanvar": lambda f, x, n: f(x, n - 1, ddof=n - 1),
    "pad": lambda f, x, n: f(x, n),
    "partition": lambda f, x, n: f(x, n, n - 1),
    "percentile": lambda f, x, n: f(x, n, n - 1),
    "polyder": lambda f, x, n: f(x[0], n),
    "polyfit": lambda f, x, n: f(x[0], x[1], n),
    "polyint": lambda f, x, n: f(x[0], n),
    "power": lambda f, x, n: f(x, n),
    "prod": lambda f, x, n: f(x, n - 1),
    "ptp": lambda f, x, n: f(x, n - 1),
    "quantile": lambda f, x, n: f(x, 0.3, n - 1),
    "repeat": lambda f, x, n: f(x, n, n - 1),
    "reshape": lambda f, x, n: f(x, (n, -1)),
    "resize": lambda f, x, n: f(x, n),
    "roll": lambda f, x, n: f(x, n, n - 1),
    "rollaxis": lambda f, x, n: f(x, n - 1),
    "rot90": lambda f, x, n: f(x, n),
    "round": lambda f, x, n: x * f(x, n),
    "sort": lambda f, x, n: f(x, n - 1),
    "split": lambda f, x, n: f(x[:2], n, n - 1),
    "squeeze": lambda f, x, n: f(x[None], n - 2),
    "stack": lambda f, x, n: f([x, x], n),
    "std": lambda f, x, n: f(x, n - 1, ddof=n - 1),
    "sum": lambda f, x, n: f(x, n - 1),
    "swapaxes": lambda f, x, n: f(x, n - 1, n - 2),
    "take": lambda f, x, n: f(x, n, n - 1),
    "take_along_axis": lambda f, x, n: f(x, onp.array([[0], [1], [1]]), n - 1),
    "tensordot": lambda f, x, n: f(x, x, n),
    "tile": lambda f, x, n: f(x, n),
    "trace": lambda f, x, n: f(x, n - 1),
    "transpose": lambda f, x, n: f(x, (n - 1, n - 2)),
    "trapezoid": lambda f, x, n: f(x, dx=n, axis=n - 1),
    "tril": lambda f, x, n: f(x, n - 2),
    "triu": lambda f, x, n: f(x, n),
    "unique": lambda f, x, n: f(x, axis=n - 1),
    "unstack": lambda f, x, n: f(x, axis=n - 1),
    "unwrap": lambda f, x, n: f(x, axis=n - 1),
    "vander": lambda f, x, n: f(x[0], n),
    "vecdot": lambda f, x, n: f(x, x, axis=n - 1),
    "vsplit": lambda f, x, n: f(x[:2], n),
    "fft.fft": lambda f, x, n: f(x, n, n - 1),
    "fft.fftshift": lambda f, x, n: f(x, n - 1),
    "fft.irfft": lambda f, x, n: f(x, n + 1),
    "fft.rfft2": lambda f, x, n: f(x, (n, n), (n - 2, n - 1)),
    "linalg.diagonal": lambda f, x, n: f(x, offset=n - 1),
    "linalg.matrix_power": lambda f, x, n: f(x[:2, :2], n),
    "linalg.norm": lambda f, x, n: f(x, axis=n - 1),
    "linalg.tensorinv": lambda f, x, n: f(x[:2].reshape(2, 2, 2)[:, :1] + onp.eye(2)[:, None], n - 1),
    "linalg.vector_norm": lambda f, x, n: f(x, axis=n - 1, ord=n + 1),
}


@quietly
@pytest.mark.parametrize("name", WITH_INTEGERS)
@pytest.mark.parametrize("kind", [onp.int64, onp.uint8, onp.array], ids=["int64", "uint8", "array"])
def test_integers_may_be_numpys(name, kind):
    call = WITH_INTEGERS[name]
    try:
        expected = parts(call(find(onp, name), M, kind(N)))
    except (OverflowError, TypeError, ValueError):  # its arithmetic on a uint8 overflows
        pytest.skip("NumPy does not take it")
    values, pull = vjp(lambda x: parts(call(find(np, name), x, kind(N))), M)
    _, exact = vjp(lambda x: parts(call(find(np, name), x, N)), M)
    for a, b in zip([*values, *pull(values)], [*expected, *exact(values)], strict=True):
        assert onp.shape(a) == onp.shape(b)
        onp.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("order", "CFAK")
@pytest.mark.parametrize(
    "x", [M, M.T, M[::-1, ::2], onp.ones((2, 3, 4)).transpose(1, 2, 0) * V[:4, None]], ids=range(4)
)
def test_memory_order(order, x):
    w = onp.arange(1.0, x.size + 1)
    forms = [lambda x: np.ravel(x, order), lambda x: x.flatten(order), lambda x: np.ravel(np.copy(x, order), "K")]
    forms += [lambda x: np.reshape(x, (2, -1), order=order).ravel()] if order != "K" else []
    for form in forms:
        value, pull = vjp(form, x)
        plain = {0: onp.ravel(x, order), 1: onp.ravel(x, order), 2: onp.ravel(onp.copy(x, order), "K")}
        k = forms.index(form)
        onp.testing.assert_array_equal(value, plain[k] if k in plain else onp.reshape(x, (2, -1), order=order).ravel())
        onp.testing.assert_allclose(onp.sum(pull(w)[0] * x), w @ value)  # <J' w, x> = <w, J x>, and J x is the value
        onp.testing.assert_array_equal(jvp(form, (x,), (onp.ascontiguousarray(x),))[1], value)
