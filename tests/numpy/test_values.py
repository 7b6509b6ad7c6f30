"""The namespace: every function gives NumPy's values, and those composed of others differentiate."""

import inspect

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad

rng = onp.random.default_rng(0)
V, M, T3 = rng.standard_normal(4), rng.standard_normal((3, 4)), rng.standard_normal((2, 3, 4))
S = M @ M.T + onp.eye(3)
# name -> argument lists; each is given to NumPy and to us, and differentiated to second order
COMPOSED = {
    "clip": [(M, -0.5, 0.5), (M, None, 0.1), (M, V, None)],
    "ravel": [(T3,), (M, "F")],
    "swapaxes": [(T3, 0, -1)],
    "moveaxis": [(T3, 0, -1), (T3, (0, 1), (2, 0))],
    "matrix_transpose": [(T3,)],
    "expand_dims": [(M, 0), (M, -1), (M, (0, 2))],
    "squeeze": [(M[None, :, None],), (M[None, :, None], 0)],
    "repeat": [(M, 2), (M, 3, 1), (M, [1, 0, 2], 0), (M[:0], 2, 0)],
    "tile": [(M, 2), (M, (2, 1, 3)), (V, (2, 2)), (T3, (2,))],
    "atleast_1d": [(V,), (V[0],)],
    "atleast_2d": [(V,), (V[0],), (T3,)],
    "take": [(M, [3, 3, -1]), (M, [[0, 2]], 1), (M, 1, 0)],
    "take_along_axis": [(M, onp.argsort(M, 1), 1), (M, onp.array([0, 5, 5]), None), (T3, onp.zeros((2, 1, 4), int), 1)],
    "sort": [(M,), (M, 0), (M, None)],
    "diag": [(V,), (V, -1), (M,), (M, 1)],
    "trace": [(M,), (T3, 1, 2, 0)],
    "pad": [(M, 1), (M, ((0, 1), (2, 0)), "edge"), (V, 2, "reflect"), (V, (1, 2), "wrap"), (M, 1, "symmetric")],
    "concatenate": [([M, M[:1]],), ([M, M], 1), ([M, V], None)],
    "append": [(V, V), (M, M, 0)],
    "stack": [([V, V],), ([M, M], -1), ([M, M], 1)],
    "vstack": [([V, V],), ([M, V[None]],)],
    "hstack": [([V, V],), ([M, M],)],
    "column_stack": [([V, V],), ([M, M],)],
    "split": [(M, 2, 1), (V, [1, 3])],
    "array_split": [(V, 3), (M, [1], -1)],
    "vsplit": [(M, 3)],
    "hsplit": [(M, 2), (V, 2)],
    "array": [([V, V],), ([1.0, (2.0)],)],
    "tensordot": [(T3, M, ([1, 2], [0, 1])), (M, V, 1), (M, M, 0), (T3, T3, (0, 0)), (V[:0], V[:0], 1)],
    "dot": [(M, V), (V, V), (M, M.T), (2.0, M), (T3, T3.swapaxes(1, 2)), (T3, V)],
    "inner": [(V, V), (M, V), (T3, M), (V, 2.0)],
    "vdot": [(M, M)],
    "outer": [(V, M)],
    "kron": [(M, S), (V, V), (M, V)],
    "einsum": [
        ("...ij,...j->...i", T3, V),
        ("ij,jk", M, M.T),
        ("ii", S),
        ("ii->i", S),
        ("iij,jk->ki", rng.standard_normal((3, 3, 4)), M.T),
        ("i...->...", T3),
        ("ij,kl,lm->im", M, M, M.T),
        ("b a, a", M, V),
    ],
}
CALLS = [pytest.param(name, args, id=f"{name}-{k}") for name, calls in COMPOSED.items() for k, args in enumerate(calls)]


def find(namespace, name):
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


@pytest.mark.parametrize(("name", "args"), CALLS)
def test_values_are_numpys(name, args):
    # unwrapped: the public function answers with NumPy's own where nothing is traced
    ours, theirs = inspect.unwrap(find(np, name))(*args), find(onp, name)(*args)
    for a, b in zip(ours, theirs) if isinstance(theirs, list | tuple) else [(ours, theirs)]:
        onp.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)
        assert onp.shape(a) == onp.shape(b)


@pytest.mark.parametrize(("name", "args"), CALLS)
def test_compositions_differentiate(name, args):
    fun = find(np, name)
    flat = [a for a in args if isinstance(a, onp.ndarray) and a.dtype.kind == "f"]
    if flat:
        arrays = iter(range(len(flat)))
        slots = [next(arrays) if isinstance(a, onp.ndarray) and a.dtype.kind == "f" else None for a in args]
        check_grads(lambda *xs: fun(*[a if s is None else xs[s] for a, s in zip(args, slots)]))(*flat)
    elif isinstance(args[0], list):
        check_grads(lambda parts: fun(parts, *args[1:]))(args[0])


def test_every_name_of_numpys_that_we_have_is_public():
    assert sorted(np.__all__) == sorted(set(np.__all__))
    for name in np.__all__:
        getattr(np, name)


def test_a_name_without_a_rule_says_what_to_do():
    with pytest.raises(
        AttributeError, match=r"numpy.core is private to NumPy.*\n.*Use the public name.*On plain arrays"
    ):
        np.core  # noqa: B018  # asking is the point
    with pytest.raises(AttributeError, match=r"neither numpy nor ddtrain.numpy has a name 'sine'"):
        np.sine  # noqa: B018
    assert not hasattr(np, "sine")


@pytest.mark.parametrize(
    ("fun", "x", "expected"),
    [
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: 0.0**x, 2.0, 0.0),
        (lambda x: np.power(onp.zeros(1), x), 2.0, 0.0),
        (lambda x: np.abs(x), 0.0, 0.0),
        (lambda x: np.linalg.norm(x * onp.ones(2)), 0.0, 0.0),
        (lambda x: np.std(x * onp.ones(2)), 1.0, 0.0),
        (lambda x: np.prod(x * onp.array([0.0, 2.0, 1.0]) + onp.array([0.0, 0.0, 1.0])), 3.0, 0.0),
        (lambda x: np.where(x > 0, x, 0.0), -1.0, 0.0),
    ],
)
def test_at_the_edges_of_rules(fun, x, expected):
    assert grad(lambda x: np.sum(fun(x)))(x) == expected
