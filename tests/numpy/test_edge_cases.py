"""Values and derivatives where something ends: at zero, overflow, one entry or none, a negative base, a kink.

What would make these fail: Python's arithmetic in a rule, which raises where NumPy's answers NaN; a formula that
overflows on the way to a number that does not; a derivative that is finite where there is none.
"""

import tracemalloc

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, hessian, hvp, jvp, record, value_of, vjp

INF, NAN = onp.inf, onp.nan
quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


@quietly
@pytest.mark.parametrize("base", [-2.0, -3, onp.float64(-2.0), onp.array([-2.0])])
def test_a_power_of_a_negative_base_has_no_slope_in_the_exponent(base):
    assert onp.isnan(grad(lambda y: np.sum(base**y))(2.0))
    assert onp.isnan(jvp(lambda y: np.sum(np.power(base, y)), (2.0,), (1.0,))[1])
    both = grad(lambda p: np.sum(base ** p[0] * 0 + p[1] ** 2))(onp.array([2.0, 3.0]))
    assert onp.isnan(both[0])
    assert both[1] == 6.0


@quietly
@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
@pytest.mark.parametrize(("shape", "axis", "ddof"), [((1,), None, 1), ((0,), None, 0), ((2, 1), 1, 1), ((1, 2), 0, 3)])
def test_variance_of_too_few_entries(name, shape, axis, ddof):
    x = onp.full(shape, 3.0)
    fun = lambda x: getattr(np, name)(x, axis=axis, ddof=ddof)
    value, pull = vjp(fun, x)
    onp.testing.assert_array_equal(value, getattr(onp, name)(x, axis=axis, ddof=ddof))
    assert pull(value)[0].shape == shape
    assert jvp(fun, (x,), (x,))[1].shape == value.shape


ALONE = {
    "std": np.std,
    "std along an axis": lambda x: np.std(onp.ones((1, 3)) * x, 0, keepdims=True),
    "nanstd": lambda x: np.nanstd(np.stack([np.concatenate([x, [NAN]])] * 2), 1),
    "masked std": lambda x: np.std(np.concatenate([x, x + 1]), where=onp.array([True, False])),
}


@pytest.mark.parametrize("std", ALONE.values(), ids=ALONE)
def test_the_deviation_of_one_entry_is_constant_in_every_order(std):
    # unlike that of equal entries, which has a kink there and so no second derivative
    x, fun = onp.array([2.0]), lambda x: np.sum(std(x))
    assert fun(x) == 0.0
    check_grads(fun)(x)


@quietly
def test_covariance_of_one_observation():
    x = onp.ones((2, 1))
    onp.testing.assert_array_equal(traced(np.cov, x), onp.cov(x))


@quietly
@pytest.mark.parametrize(
    "x", [[1e-200, 1e200, 1e200], [0.0, 1e200, 1e200], [1e300, 1e-200, 1e-200], [1e200, 1e200, 0.0]]
)
def test_running_products_that_overflow_on_no_other_way(x):
    x = onp.array(x)
    for fun in (np.cumprod, np.cumulative_prod, np.nancumprod):
        onp.testing.assert_array_equal(traced(fun, x), onp.cumprod(x))
    onp.testing.assert_array_equal(traced(lambda x: np.cumprod(x[:, None], 0)[:, 0], x), onp.cumprod(x))


def test_derivatives_of_running_products_of_nothing_and_of_zeros():
    assert grad(lambda x: np.sum(np.cumprod(x)))(onp.zeros(0)).shape == (0,)
    assert jvp(np.cumprod, (onp.zeros((0, 2)),), (onp.zeros((0, 2)),))[1].shape == (0,)
    onp.testing.assert_array_equal(grad(lambda x: np.cumprod(x)[2])(onp.array([0.0, 3.0, 5.0])), [15, 0, 0])


NORMS = {
    "norm": np.linalg.norm,
    "norm of a matrix": lambda x: np.linalg.norm(x[:, None] * onp.ones((1, 2))),
    "norms of rows": lambda x: np.sum(np.linalg.norm(x[:, None] * onp.ones(2), axis=1)),
    "vector_norm": np.linalg.vector_norm,
    "matrix_norm": lambda x: np.linalg.matrix_norm(x[:, None] * onp.ones((1, 2))),
    "3-norm": lambda x: np.linalg.norm(x, 3),
    "std": np.std,
    "nanstd": np.nanstd,
    "masked std": lambda x: np.std(x, where=onp.array([True, True])),
    "complex abs": lambda x: np.sum(np.abs(x * (1 + 1j))),
}


@pytest.mark.parametrize("fun", NORMS.values(), ids=NORMS)
def test_second_derivatives_of_squared_lengths_at_zero_are_not_a_wrong_number(fun):
    # the first derivative of a length at 0 is taken to be 0, and so is that of its square; the second would be 0, too,
    # by the formula, which for the square is wrong
    x, square = onp.zeros(2), lambda x: fun(x) ** 2
    onp.testing.assert_array_equal(grad(fun)(x), 0)
    onp.testing.assert_array_equal(jvp(fun, (x,), (onp.ones(2),))[1], 0)
    assert onp.isnan(hessian(square)(x)).any()
    assert onp.isnan(hvp(square, (x,), onp.array([1.0, 0.0]))).any()
    assert onp.isnan(jvp(lambda x: jvp(square, (x,), (onp.array([1.0, 2.0]),))[1], (x,), (onp.array([2.0, 1.0]),))[1])
    assert onp.isfinite(hessian(square)(onp.array([1.0, 2.0]))).all()


def test_a_zero_among_lengths_does_not_spoil_the_others():
    h = hessian(lambda x: np.sum(np.linalg.norm(x, axis=1)))(onp.array([[0.0, 0.0], [3.0, 4.0]]))
    assert onp.isfinite(h[1][:, 1]).all()
    assert onp.isnan(h[0][:, 0]).any()


@quietly
def test_the_slope_of_i0_needs_no_memory_for_large_arguments():
    onp.testing.assert_array_equal(
        grad(lambda x: np.sum(np.i0(x)))(onp.array([INF, 1e300, -1e300, 0.0])), [INF, INF, -INF, 0]
    )
    assert onp.isnan(grad(np.i0)(NAN))
    assert grad(grad(np.i0))(0.0) == pytest.approx(0.5, rel=1e-14)
    tracemalloc.start()
    grad(lambda x: np.sum(np.i0(x)))(onp.full(20_000, 600.0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e7  # 20,000 numbers are 160 KB; all points at once would take 14 MB an array


def test_spaces_between_negative_and_complex_ends():
    for start, stop in ((-1.0, -1000.0), (2.0, 50.0), (1j, 3 + 8j), (-1 + 1j, 5.0)):
        value = traced(lambda a, b: np.geomspace(a, b, 4), onp.array(start), onp.array(stop))
        onp.testing.assert_allclose(value, onp.geomspace(start, stop, 4), rtol=1e-13)
        check_grads(lambda a, b: np.geomspace(a, b, 4))(start, stop)
    assert grad(lambda a: np.geomspace(a, -1000.0, 4)[0])(-1.0) == 1.0
    for num in (0, 1, 2):
        for endpoint in (True, False):
            for space in ("linspace", "geomspace", "logspace"):
                f = lambda a, f=np, s=space, n=num, e=endpoint: getattr(f, s)(a, 2.5, n, e)
                onp.testing.assert_allclose(traced(f, onp.array([1.0, 2.0])), f(onp.array([1.0, 2.0]), onp), rtol=1e-15)
    assert (
        traced(lambda a: np.linspace(a, 9.7, 4, dtype=int), onp.array(0.5)).tolist()
        == onp.linspace(0.5, 9.7, 4, dtype=int).tolist()
    )
    assert traced(lambda a: np.linspace(a, 5e-324, 4), onp.array(0.0)).tolist() == onp.linspace(0.0, 5e-324, 4).tolist()
    several = traced(lambda b: np.logspace(0.0, 2.0, 3, base=b), onp.array([2.0, 3.0]))
    onp.testing.assert_allclose(several, onp.logspace(0.0, 2.0, 3, base=[2.0, 3.0]))


def test_the_sign_of_a_complex_number_turns():
    assert grad(lambda t: np.real(np.sign(t + 1j)))(1.0) == pytest.approx(1 / (2 * onp.sqrt(2)), rel=1e-15)
    z = onp.array([0.0, 3 - 4j])
    onp.testing.assert_array_equal(traced(np.sign, z), onp.sign(z))
    onp.testing.assert_array_equal(traced(onp.sign, z), onp.sign(z))
    assert (vjp(np.sign, z)[1](onp.ones(2) + 0j)[0][0]) == 0


def test_where_of_a_condition_alone_gives_positions():
    x = onp.array([[0.0, 2.0], [3.0, 0.0]])
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[np.where(x)] ** 2))(x), 2 * x)
    onp.testing.assert_array_equal(grad(lambda x: np.sum(x[onp.where(x > 2)]))(x), [[0, 0], [1, 0]])
    assert type(traced(np.where, x)) is tuple
    with pytest.raises(ValueError, match="x and y go together"):
        grad(lambda x: np.where(x, x))(x)


def test_quantiles_beside_infinities_and_medians():
    x = onp.array([1.0, 2.0, INF])
    assert traced(np.median, x) == onp.median(x) == 2.0
    onp.testing.assert_array_equal(grad(np.median)(x), [0, 1, 0])
