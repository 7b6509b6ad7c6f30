"""Every primitive in the registry, on the examples it was declared with.

What would make these fail: a rule that is wrong, that cannot itself be differentiated, that leaves float32, that
assumes a memory layout, or that was never declared. Adding a primitive adds its tests.
"""

from __future__ import annotations

import contextlib
import doctest
import sys

import numpy as np
import pytest

import ddtrain.numpy as dnp
import ddtrain.ops  # noqa: F401  # declares the fused operations
from ddtrain.autodiff import PRIMITIVES, Outputs, check_grads, item, jvp, unpack, value_of, vjp
from ddtrain.autodiff.core.examples import Sampler
from ddtrain.autodiff.core.rules import rule_of

with contextlib.suppress(ModuleNotFoundError):  # an extra
    from ddtrain.scipy import integrate, linalg, signal, special, stats  # noqa: F401

ALL = list(PRIMITIVES)  # as declared on import, before other tests declare theirs
DIFFERENTIABLE = [p for p in ALL if p.differentiable and p is not item]  # item: tested by all with several outputs
UFUNCS = [p for p in DIFFERENTIABLE if isinstance(p.raw, np.ufunc) and p.raw.signature is None]
FUSED = [p for p in DIFFERENTIABLE if p.compose is not None]
CASES = [pytest.param(p, k, id=f"{p.__name__}-{k}") for p in DIFFERENTIABLE for k in range(len(p.examples(Sampler())))]
# of no meaning for complex numbers, which they order
REAL_ONLY = {"fmax", "fmin", "max", "maximum", "min", "minimum", "normal_cdf", "normal_orthant"}
REAL_ONLY |= {"eig", "eigh", "svd"}  # complex vectors have a free phase: see tests/numpy/test_linalg.py


def joined(out):
    """Several outputs as one array."""
    if type(value_of(out)) is not Outputs:
        return out
    return dnp.concatenate([dnp.ravel(part) for part in unpack(out)])


def function_of_differentiated(prim, case):
    """The example as a function of its differentiated arguments, and those arguments."""

    def fun(*xs):
        args = list(case.args)
        for i, x in zip(case.differentiated, xs):
            args[i] = x
        return joined(prim(*args, **case.kwargs))

    fun.__name__ = prim.__name__
    return fun, [np.asarray(case.args[i]) for i in case.differentiated]


def example(prim, k, dtype=np.float64):
    return function_of_differentiated(prim, prim.examples(Sampler(k, dtype))[k])


def direction(x, seed):
    rng = np.random.default_rng(seed)
    v = rng.standard_normal(x.shape)
    return (v + 1j * rng.standard_normal(x.shape) if x.dtype.kind == "c" else v).astype(x.dtype)


def gradients(fun, xs):
    """Value, and cotangents along a fixed random cotangent."""
    value, pull = vjp(fun, *xs)
    return value, pull(direction(value, 1))


@pytest.mark.parametrize("prim", DIFFERENTIABLE, ids=lambda p: p.__name__)
def test_has_examples_that_differentiate_something(prim):
    assert prim.examples is not None, f"{prim.__name__} was declared without examples="
    assert all(case.differentiated for case in prim.examples(Sampler()))


@pytest.mark.parametrize(("prim", "k"), CASES)
def test_both_modes_to_second_order(prim, k):
    fun, xs = example(prim, k)
    check_grads(fun, order=2)(*xs)


@pytest.mark.parametrize(("prim", "k"), CASES)
def test_forward_and_reverse_are_transposes(prim, k):
    # <g, J v> = <J' g, v> holds to rounding, so it sees errors that finite differences forgive
    fun, xs = example(prim, k)
    vs = [direction(x, 2 + i) for i, x in enumerate(xs)]
    value, tangent = jvp(fun, xs, vs)
    _, cotangents = gradients(fun, xs)
    pushed = np.sum(direction(value, 1) * tangent).real
    pulled = sum(np.sum(c * v).real for c, v in zip(cotangents, vs))
    np.testing.assert_allclose(pushed, pulled, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("prim", "k"), CASES)
def test_memory_layout_does_not_matter(prim, k):
    fun, xs = example(prim, k)
    value, expected = gradients(fun, xs)
    strided = [np.repeat(x, 2, -1)[..., ::2] if x.ndim else x for x in xs]
    for layout in (strided, [np.asfortranarray(x) for x in xs]):
        again, actual = gradients(fun, layout)
        for a, b in zip((again, *actual), (value, *expected)):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)  # BLAS may add in another order


@pytest.mark.parametrize(("prim", "k"), CASES)
def test_float32_stays_float32(prim, k):
    case = prim.examples(Sampler(k, np.float32))[k]
    fun, xs = function_of_differentiated(prim, case)
    vs = [direction(x, 2) for x in xs]
    value, cotangents = gradients(fun, xs)
    assert value.dtype == jvp(fun, xs, vs)[1].dtype
    assert [c.dtype for c in cotangents] == [x.dtype for x in xs]
    several = type(prim(*case.args, **case.kwargs)) is Outputs  # whose rules the walks' casts cannot hide
    if prim.joint is None and not several and value.dtype == np.float32 and all(x.dtype == np.float32 for x in xs):
        args = [np.asarray(a) if i in case.differentiated else a for i, a in enumerate(case.args)]
        for i in case.differentiated:  # a rule that promotes is hidden, and made slow, by the walker's cast
            for mode, g in (("vjp", direction(value, 1)), ("jvp", vs[0])):
                rule = rule_of(prim, i, mode)
                g = g if mode == "vjp" else direction(args[i], 2)
                assert np.asarray(rule(g, value, *args, **case.kwargs)).dtype == np.float32, (mode, i)


@pytest.mark.parametrize(("prim", "k"), CASES)
def test_complex_where_it_applies(prim, k):
    if prim.__name__ in REAL_ONLY or prim in FUSED:
        pytest.skip("real only")
    fun, xs = example(prim, k, np.complex128)
    try:
        fun(*xs)
    except TypeError:
        pytest.skip("NumPy has no complex loop")
    check_grads(fun, order=2)(*xs)


@pytest.mark.parametrize("prim", UFUNCS, ids=lambda p: p.__name__)
def test_elementwise_on_0d_empty_and_broadcast(prim):
    fun, xs = example(prim, 0)
    for args in ([x.reshape(-1)[:1].reshape(()) for x in xs], [x[:0] for x in xs]):
        value, cotangents = gradients(fun, args)
        assert [np.shape(c) for c in cotangents] == [a.shape for a in args]
        assert np.shape(value) == args[0].shape
    if len(xs) == 2:
        check_grads(fun, order=1)(xs[0].reshape(2, 1, 3), xs[1].reshape(2, 3, 1)[:1])
        check_grads(fun, order=1)(xs[0][0, 0], xs[1])


def wrong(rule):
    return lambda *args, **kwargs: 1.01 * rule(*args, **kwargs)


@pytest.mark.parametrize("prim", [p for p in DIFFERENTIABLE if p.joint is None], ids=lambda p: p.__name__)
@pytest.mark.parametrize("mode", ["vjp", "jvp"])
def test_a_rule_off_by_a_hundredth_is_caught(prim, mode, monkeypatch):
    table = prim.vjps if mode == "vjp" else prim.jvps
    examples = [function_of_differentiated(prim, case) for case in prim.examples(Sampler())]
    for fun, xs in examples:
        check_grads(fun, order=1)(*xs)  # also makes the rules of variadic primitives
    reach = max(len(case.args) for case in prim.examples(Sampler()))  # others may have made rules beyond
    for argnum in [i for i in table if table[i] is not None and i < reach]:
        monkeypatch.setitem(table, argnum, wrong(table[argnum]))
        caught = [_fails(fun, xs, mode) for fun, xs in examples]
        monkeypatch.undo()
        assert any(caught), f"a wrong {mode} rule of argument {argnum} goes unseen"


def _fails(fun, xs, mode):
    try:
        check_grads(fun, ["rev" if mode == "vjp" else "fwd"], order=1)(*xs)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("prim", FUSED, ids=lambda p: p.__name__)
def test_fused_equals_composed(prim):
    for k, case in enumerate(prim.examples(Sampler())):
        fun, xs = function_of_differentiated(prim, case)
        composed, _ = function_of_differentiated(prim.compose, case)
        value, cotangents = gradients(fun, xs)
        expected, by_composition = gradients(composed, xs)
        np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12, err_msg=f"example {k}")
        for i, (a, b) in enumerate(zip(cotangents, by_composition)):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, err_msg=f"example {k}, argument {i}")


@pytest.mark.parametrize("prim", FUSED, ids=lambda p: p.__name__)
def test_a_fused_backward_off_by_a_hundredth_is_caught(prim, monkeypatch):
    joint = prim.joint
    monkeypatch.setattr(prim, "joint", lambda *args: [c if c is None else 1.01 * c for c in joint(*args)])
    assert any(_fails(*function_of_differentiated(prim, case), "vjp") for case in prim.examples(Sampler()))


@pytest.mark.parametrize("prim", FUSED, ids=lambda p: p.__name__)
def test_fused_backward_of_one_argument_alone(prim):
    for case in prim.examples(Sampler()):
        fun, xs = function_of_differentiated(prim, case)
        _, together = gradients(fun, xs)
        for i, expected in enumerate(together):
            _, (alone,) = gradients(lambda x, i=i, fun=fun, xs=xs: fun(*xs[:i], x, *xs[i + 1 :]), [xs[i]])
            np.testing.assert_array_equal(alone, expected)


def _origin(prim):
    return getattr(prim.compose or prim.raw, "__module__", None) or ""


@pytest.mark.parametrize("prim", [p for p in ALL if _origin(p).startswith("ddtrain")], ids=lambda p: p.__name__)
def test_example_in_the_docstring_runs(prim):
    # pytest's own collection misses these: a primitive is not a function of the module that declares it
    names = dict(vars(sys.modules[_origin(prim)]))
    test = doctest.DocTestParser().get_doctest(prim.__doc__ or "", names, prim.__name__, None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    report = []
    assert runner.run(test, out=report.append).failed == 0, "".join(report)
