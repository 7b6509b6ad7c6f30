"""A traced array looks and feels like NumPy's, and says so where it cannot."""

import collections
import copy
import dataclasses
import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import PRIMITIVES, Box, Outputs, defvjp, grad, item, primitive, record, unpack
from ddtrain.errors import DerivativeError

X = onp.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])


def traced(fun, x=X):
    """The value of ``fun`` of a traced ``x``, which must itself be traced."""
    seen = []

    def watch(x):
        seen.append(fun(x))
        return seen[0]

    out, _, end = record(watch, [x])
    assert end is not None, "the result is not traced"
    assert isinstance(seen[0], Box)
    return out


OPERATORS = {
    "add": lambda x: x + 2,
    "radd": lambda x: 2 + x,
    "sub": lambda x: x - X,
    "rsub": lambda x: X - x,
    "mul": lambda x: x * X[0],
    "rmul": lambda x: X[0] * x,
    "div": lambda x: x / 3,
    "rdiv": lambda x: 3.0 / x,
    "pow": lambda x: x**2,
    "rpow": lambda x: 2.0**x,
    "mod": lambda x: x % 0.7,
    "rmod": lambda x: 0.7 % x,
    "matmul": lambda x: x @ X.T,
    "rmatmul": lambda x: X.T @ x,
    "neg": lambda x: -x,
    "pos": lambda x: +x,
    "abs": lambda x: abs(x),
    "float64 scalar": lambda x: onp.float64(2) * x,
    "float64 quotient": lambda x: onp.float64(2) / x,
    "index": lambda x: x[1],
    "slice": lambda x: x[:, ::2],
    "mask": lambda x: x[x > 0],
    "newaxis": lambda x: x[None, ..., 0],
}
METHODS = {
    "sum": lambda x: x.sum(0),
    "mean": lambda x: x.mean(axis=1, keepdims=True),
    "var": lambda x: x.var(),
    "std": lambda x: x.std(1),
    "prod": lambda x: x.prod(0),
    "max": lambda x: x.max(axis=0),
    "min": lambda x: x.min(),
    "cumsum": lambda x: x.cumsum(1),
    "cumprod": lambda x: x.cumprod(1),
    "compress": lambda x: x.compress([True, False], 0),
    "reshape": lambda x: x.reshape(3, 2),
    "reshape to a tuple": lambda x: x.reshape((3, -1)),
    "reshape to one axis": lambda x: x.reshape(-1),
    "ravel": lambda x: x.ravel(),
    "flatten": lambda x: x.flatten(),
    "transpose": lambda x: x.transpose(),
    "transpose by axes": lambda x: x.transpose(1, 0),
    "transpose by a tuple": lambda x: x.transpose((1, 0)),
    "T": lambda x: x.T,
    "mT": lambda x: x.mT,
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "squeeze": lambda x: x[None].squeeze(0),
    "repeat": lambda x: x.repeat(2, 0),
    "take": lambda x: x.take([0, 0], 1),
    "diagonal": lambda x: x.diagonal(),
    "dot": lambda x: x.dot(X.T),
    "clip": lambda x: x.clip(-1, 1),
    "astype": lambda x: x.astype(onp.float32),
    "conj": lambda x: x.conj(),
    "real": lambda x: x.real,
    "imag": lambda x: x.imag,
    "copy": lambda x: x.copy(),
}


@pytest.mark.parametrize("fun", [*OPERATORS.values(), *METHODS.values()], ids=[*OPERATORS, *METHODS])
def test_operators_and_methods_do_as_numpy(fun):
    onp.testing.assert_array_equal(traced(fun), fun(X))
    assert traced(fun).dtype == fun(X).dtype


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: onp.exp(x),
        lambda x: onp.add(X, x),
        lambda x: onp.maximum(x, 0.0),
        lambda x: X * x,
        lambda x: X @ x.T,
        lambda x: onp.sum(x, axis=0),
        lambda x: onp.concatenate([X, x], axis=1),
        lambda x: onp.where(X > 0, x, 0.0),
        lambda x: onp.linalg.norm(x),
        lambda x: onp.einsum("ij,ij->i", x, X),
    ],
)
def test_numpys_own_functions_are_sent_to_ours(fun):
    onp.testing.assert_allclose(traced(fun), fun(X), rtol=1e-15)


def test_comparisons_are_plain_arrays():
    def f(x):
        for result in (x > 0, x == X, x >= 1.0, x != 0, np.isnan(x), onp.isfinite(x), onp.greater(x, X)):
            assert type(result) is onp.ndarray
            assert result.dtype == bool
        assert x.argmax() == 3
        assert x.argpartition(1).shape == x.shape
        assert x[0].searchsorted(9.0) == 3
        assert (x < 5).all()
        return np.sum(x)

    grad(f)(X)


def test_inspection():
    def f(x):
        assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 3), 2, 6, X.dtype, 2)
        assert (np.shape(x), np.ndim(x), np.size(x), onp.shape(x)) == ((2, 3), 2, 6, (2, 3))
        assert repr(x).startswith("ArrayBox(array([[")
        assert len({x, x}) == 1
        assert type(np.zeros_like(x)) is type(onp.ones_like(x)) is onp.ndarray
        a, b = x
        return np.sum(a * b) if x[0, 0] > 0 else np.sum(a)

    onp.testing.assert_array_equal(grad(f)(X), X[::-1])


def test_iterating_over_a_0d_array_fails_as_in_numpy():
    with pytest.raises(TypeError, match="len"):
        grad(lambda x: sum(x))(1.0)


def assigns(x):
    x[0] = 0.0


def adds_in_place(x):
    a = X.copy()
    a += x


def writes_out(x):
    onp.exp(x, out=X.copy())


def adds_at(x):
    onp.add.at(X.copy(), [0], x)


@pytest.mark.parametrize("fun", [assigns, adds_in_place, writes_out, adds_at])
def test_writing_is_refused_with_a_remedy(fun):
    with pytest.raises(DerivativeError, match=r"assignment into an array under a trace.*\n.*np.where.* x = x \+ y"):
        grad(fun)(X)


def test_plus_equals_of_a_traced_value_rebinds():
    def f(x):
        before = x
        x += 1.0
        assert x is not before
        return np.sum(x * before)

    onp.testing.assert_array_equal(grad(f)(X), 2 * X + 1)


@pytest.mark.parametrize("fun", [float, int, math.exp, lambda x: x.item(), onp.asarray, lambda x: onp.array([x, x])])
def test_losing_a_derivative_is_refused(fun):
    with pytest.raises(DerivativeError, match="would lose its derivative"):
        grad(fun)(1.0)


def test_sorting_in_place_is_refused():
    with pytest.raises(DerivativeError, match=r"x = np.sort\(x\)"):
        grad(lambda x: x.sort())(X)


@pytest.mark.parametrize(
    ("fun", "name"),
    [
        (onp.histogram, "histogram"),
        (lambda x: onp.gcd.reduce(x), "gcd.reduce"),
        (lambda x: onp.polydiv(x, x), "polydiv"),
    ],
)
def test_a_function_without_rule_says_what_to_do(fun, name):
    with pytest.raises(DerivativeError, match=rf"numpy.{name} has no derivative rule\n.*primitive\(numpy.{name}\)"):
        grad(fun)(X)


def test_a_ufunc_that_is_not_numpys_is_not_called_so():
    ufunc = onp.linalg._umath_linalg.det  # SciPy's are known to NumPy's boxes once ddtrain.scipy is imported
    with pytest.raises(DerivativeError, match=r"det is not a function of NumPy's.*\n.*ddtrain.scipy.special"):
        grad(lambda x: ufunc(x))(X)
    with pytest.raises(DerivativeError, match=r"is made by frompyfunc.*\n.*Use np.vectorize"):
        grad(lambda x: onp.frompyfunc(lambda t: t**3, 1, 1)(x))(0.5)


@dataclasses.dataclass(frozen=True)
class Frozen:
    w: Any


Pair = collections.namedtuple("Pair", "a b")


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda x: copy.deepcopy({"w": [x]})["w"][0],
        lambda x: copy.deepcopy(Pair(x, 1)).a,
        lambda x: copy.deepcopy(Frozen(x)).w,
        lambda x: dataclasses.asdict(Frozen(x))["w"],
        lambda x: dataclasses.astuple(Frozen(x))[0],
        lambda x: dataclasses.replace(Frozen(0), w=x).w,
        lambda x: x.copy(order="C"),
        lambda x: x.view(),
        lambda x: np.stack([np.stack(row) for row in x.tolist()]),
        lambda x: np.reshape(np.stack(list(x.flat)), x.shape),
    ],
)
def test_a_copy_keeps_its_trace(copied):
    onp.testing.assert_array_equal(grad(lambda x: np.sum(copied(x) ** 2))(X), 2 * X)


def test_several_outputs_are_copied_with_their_trace():
    both = primitive(lambda x: Outputs((x, 2 * x)), name="both")
    PRIMITIVES.remove(both)
    defvjp(both, lambda g, ans, x: item(g, 0) + 2 * item(g, 1))
    assert grad(lambda x: unpack(copy.deepcopy(both(x)))[1])(1.0) == 2.0


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize(
    ("fun", "message"),
    [
        (lambda x: pickle.dumps(x), "pickling a traced value"),
        (lambda x: float(x[0, 0]), r"float\(x\) of a traced value"),
        (lambda x: complex(x[0, 0]), r"complex\(x\).*\n.*astype\(complex\)"),
        (lambda x: x[0, 0].item(), r"x.item\(\)"),
        (lambda x: "%.3f" % x[0, 0], r"float\(x\).*\n.*value_of"),  # noqa: UP031
        (lambda x: math.sin(x[0, 0]), r"float\(x\)"),
        (lambda x: onp.array(x), "Converting to a plain array of a traced value"),
        (lambda x: np.float64(x), r"plain array of float64.*\n.*x.astype\('float64'\)"),
        (lambda x: np.float32(x[0, 0]), r"plain array of float32.*\n.*x.astype\('float32'\)"),
        (lambda x: onp.array([x, 1], dtype=object), "plain array of object"),
        (lambda x: onp.zeros((2, 3)).__setitem__(slice(None), x), "plain array of float64.*\n.*ddtrain.numpy.stack"),
        (lambda x: x.fill(0), "assignment into an array under a trace"),
        (lambda x: x.partition(1), "x.partition.*in place"),
        (lambda x: x.view(onp.int64), "x.view"),
        (lambda x: onp.ma.array(x), "numpy.ma.core.array: converting to a plain array"),
        (lambda x: onp.polynomial.legendre.legval(0.5, x), "numpy.polynomial.legendre.legval: .*\n.*counterpart"),
        (lambda x: x * onp.matrix(X), "multiply: an operand is a matrix.*\n.*np.asarray"),
        (lambda x: onp.matrix(X) * x, "multiply: an operand is a matrix"),
        (lambda x: x @ onp.matrix(X.T), "matmul: an operand is a matrix"),
        (lambda x: np.concatenate([x, onp.matrix(X)]), "concatenate: an operand is a matrix"),
        (lambda x: x + onp.ma.array(X, mask=X > 0), "add: an operand is a MaskedArray.*\n.*np.where"),
        (lambda x: np.maximum(onp.ma.array(X, mask=X > 0), x), "maximum: an operand is a MaskedArray"),
    ],
)
def test_what_would_lose_the_derivative_is_refused_where_it_happens(fun, message):
    with pytest.raises(DerivativeError, match=f"{message}(.*\n)?.*test_array_box.py:"):
        grad(lambda x: np.sum(fun(x)))(X)


@pytest.mark.parametrize(
    ("fun", "expected"),
    [
        (lambda x: np.sum(x[0] * np.bool_(x[0])), [1, 1, 1]),
        (lambda x: np.sum(x[0][np.int64(x[0])]), [1, 2, 0]),  # entries 1, -2 and 0
        (lambda x: np.sum(x[0] * onp.array(x[0], dtype=int)), [1, -2, 0]),
        (lambda x: x[0, 0] * math.floor(x[0, 1] / 2) + x[0, 2] * math.ceil(x[0, 0]), [-1, 0, 1]),
        (lambda x: x[0, round(x[0, 0])] + x[0, 2] * math.trunc(x[0, 1]), [0, 1, -2]),
        (lambda x: x[0, 0] + round(x[0, 1], 2), [1, 0, 0]),
        (lambda x: divmod(x[0, 0], 0.3)[1] + divmod(7.0, x[0, 1])[1], [1, 4, 0]),
        (lambda x: x[0, 0] * (-2.0 in x) + x[0, 1] * (5.0 in x), [1, 0, 0]),
    ],
)
def test_rounding_and_membership_are_constant_as_in_numpy(fun, expected):
    # of x[0] = (1, -2, 0.5)
    onp.testing.assert_array_equal(grad(fun)(X)[0], expected)


def test_a_traced_number_is_formatted_as_its_value():
    texts = []
    grad(lambda x: texts.append(f"{x:.3f} {x}") or x)(1.0)
    assert texts == ["1.000 ArrayBox(array(1.))"]


def test_an_attribute_that_only_memory_has_is_refused_in_words():
    with pytest.raises(AttributeError, match=r"a traced array has no 'strides': ddtrain.autodiff.value_of"):
        grad(lambda x: x.strides)(X)
    with pytest.raises(AttributeError, match="'ArrayBox' object has no attribute 'stride'"):
        grad(lambda x: x.stride)(X)
    assert grad(lambda x: np.sum(x) * (x.nbytes == X.nbytes and x.itemsize == 8))(X)[0, 0] == 1


@pytest.mark.parametrize("half", [Fraction(1, 2), onp.array(Fraction(1, 2)), onp.full((2, 3), Fraction(1, 2))])
def test_fractions_are_constants_as_in_numpy(half):
    for fun in (lambda x: x * half, lambda x: half * x, lambda x: x / (1 / half)):
        g = grad(lambda x, fun=fun: np.sum(fun(x)))(X)
        onp.testing.assert_array_equal(g, 0.5)
        assert g.dtype == float
    assert grad(lambda x: grad(lambda y: y * y * Fraction(1, 3))(x) * Fraction(3, 2))(2.0) == 1.0
