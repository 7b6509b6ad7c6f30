"""Methods of ufuncs, on plain arrays NumPy's own, on traced ones with derivatives."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, vjp
from ddtrain.errors import DerivativeError

rng = onp.random.default_rng(4)
M, V = 0.5 + rng.random((3, 4)), 0.5 + rng.random(4)
UFUNCS = sorted({name for name in np.__all__ if isinstance(getattr(onp, name, None), onp.ufunc)})
# power and arctan2 left out: NumPy's own reductions of contiguous entries are wrong where it has vector loops for them
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum", "fmax", "hypot", "logaddexp", "copysign"]


@pytest.mark.parametrize("name", UFUNCS)
def test_every_ufunc_has_what_numpys_has(name):
    ours, theirs = getattr(np, name), getattr(onp, name)
    for key in ("nin", "nout", "nargs", "ntypes", "types", "identity", "signature"):
        assert getattr(ours, key) == getattr(theirs, key)
    for method in ("reduce", "accumulate", "reduceat", "outer", "at"):
        assert callable(getattr(ours, method))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(
    "call",
    [
        lambda f, x: f.reduce(x),
        lambda f, x: f.reduce(x, 1, keepdims=True),
        lambda f, x: f.reduce(x, axis=-1),
        lambda f, x: f.accumulate(x),
        lambda f, x: f.accumulate(x, 1),
        lambda f, x: f.reduceat(x, [0, 2, 1], 1),
        lambda f, x: f.outer(x, V),
        lambda f, x: f.outer(V[:2], x),
    ],
    ids=[
        "reduce",
        "reduce, kept",
        "reduce along the last",
        "accumulate",
        "accumulate 1",
        "reduceat",
        "outer",
        "outer of x",
    ],
)
def test_methods_are_numpys_and_differentiate(name, call):
    ours, theirs = getattr(np, name), getattr(onp, name)
    onp.testing.assert_array_equal(call(ours, M), call(theirs, M))  # nothing traced
    for f in (ours, theirs):
        onp.testing.assert_allclose(vjp(lambda x, f=f: call(f, x), M)[0], call(theirs, M), rtol=1e-14)
    check_grads(lambda x: call(ours, x), order=1)(M)


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "logaddexp", "hypot"])
def test_reductions_of_several_axes_and_of_none(name):
    ours, theirs = getattr(np, name), getattr(onp, name)
    for axis in (None, (0, 1), onp.int64(0)):
        onp.testing.assert_allclose(vjp(lambda x, a=axis: ours.reduce(x, a), M)[0], theirs.reduce(M, axis), rtol=1e-14)
    if theirs.identity is not None:
        empty = onp.zeros((0, 3))
        onp.testing.assert_array_equal(vjp(ours.reduce, empty)[0], theirs.reduce(empty))
    else:
        with pytest.raises(ValueError, match="no identity"):
            grad(lambda x: np.sum(np.minimum.reduce(x) if name == "maximum" else np.subtract.reduce(x)))(
                onp.zeros((0, 3))
            )


def test_a_first_value_and_a_mask():
    mask = M > 1
    check_grads(lambda x: np.add.reduce(x, 0, where=mask, initial=2.0) + np.maximum.reduce(x, initial=0.9))(M)
    with pytest.raises(DerivativeError, match=r"logaddexp.reduce: where= has no derivative rule\n.*np.where"):
        grad(lambda x: np.sum(np.logaddexp.reduce(x, 0, where=mask)))(M)


def test_writing_is_numpys_on_plain_arrays_and_refused_on_traced_ones():
    out = onp.zeros(2)
    np.add.at(out, [0, 0, 1], onp.array([1.0, 3.0, 2.0]))
    onp.testing.assert_array_equal(out, [4, 2])
    for f in (np.add, onp.add):
        with pytest.raises(DerivativeError, match=r"add.at: assignment into an array under a trace"):
            grad(lambda x, f=f: f.at(x, [0], 1.0))(V)
        with pytest.raises(DerivativeError, match=r"add.at: assignment"):
            grad(lambda x, f=f: f.at(onp.zeros(2), [0], x[0]))(V)
    with pytest.raises(DerivativeError, match="out="):
        grad(lambda x: np.subtract.reduce(x, out=onp.zeros(())))(V)


METHODS = {
    "add.reduce": lambda x: onp.add.reduce(x),
    "add.reduce of rows": lambda x: onp.add.reduce(x, axis=1, keepdims=True),
    "multiply.reduce": lambda x: onp.multiply.reduce(x, axis=None),
    "maximum.reduce": lambda x: onp.maximum.reduce(x, 1),
    "minimum.reduce": lambda x: onp.minimum.reduce(x),
    "add.accumulate": lambda x: onp.add.accumulate(x, 1),
    "multiply.accumulate": lambda x: onp.multiply.accumulate(x),
    "subtract.outer": lambda x: onp.subtract.outer(x, V),
    "multiply.outer": lambda x: onp.multiply.outer(V, x),
}


@pytest.mark.parametrize("fun", METHODS.values(), ids=METHODS)
def test_methods_of_numpys_ufuncs(fun):
    onp.testing.assert_allclose(vjp(fun, M)[0], fun(M), rtol=1e-14)
    check_grads(fun)(M)
