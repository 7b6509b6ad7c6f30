"""Lanczos' eigenvalues, their density and the trace are those of the dense Hessian, of quadratics and of a network."""

from __future__ import annotations

import math
from typing import Any

import numpy as onp
import pytest
from objectives import Function, symmetric

import ddtrain.numpy as np
from ddtrain import nn, ops
from ddtrain.diagnose.curvature.dense_hessian import hessian_eigenvalues, require_memory
from ddtrain.diagnose.curvature.spectrum import Extremes, extreme_eigenvalues, spectral_density
from ddtrain.errors import NonFiniteError, UsageError


def quadratic(values: Any) -> Function:
    """Half of x · H x, where H has these eigenvalues and random eigenvectors."""
    h = symmetric(values)
    return Function(lambda x: 0.5 * x @ h @ x)


def network() -> tuple[Function, Any]:
    """The loss of a network of 484 weights on 60 samples, and its weights."""
    r = onp.random.default_rng(0)
    x, y = r.standard_normal((60, 8)), r.integers(0, 4, 60)
    net = nn.Sequential(nn.Linear(8, 20), nn.Tanh(), nn.Linear(20, 12), nn.Tanh(), nn.Linear(12, 4))
    values = net.init(0, "float64")

    def loss(weights: Any) -> Any:
        at, parts = 0, {}
        for name, value in values.items():
            parts[name] = np.reshape(weights[at : at + value.size], value.shape)
            at += value.size
        return np.mean(ops.cross_entropy(net.bind(parts)(x), y))

    return Function(loss), onp.concatenate([value.ravel() for value in values.values()])


@pytest.fixture(scope="module")
def all_of_network() -> Any:
    objective, x = network()
    return hessian_eigenvalues(objective, x)


def test_the_outermost_eigenvalues_of_a_network_are_the_dense_hessians(all_of_network: Any) -> None:
    """The figure that is asked for: within 1e-6 on about 500 weights, in far fewer products."""
    objective, x = network()
    found = extreme_eigenvalues(objective, x)
    assert x.size == 484
    assert found.smallest == pytest.approx(all_of_network[0], rel=1e-6)
    assert found.largest == pytest.approx(all_of_network[-1], rel=1e-6)
    assert found.known == (True, True)
    assert objective.products == found.products < 100
    assert min(abs(found.largest - all_of_network)) <= found.errors[1] + 1e-12


@pytest.mark.parametrize("values", [(1.0, 2.0, 5.0), (-3.0, 0.0, 2.0), (-2.0, -1.0), (4.0,), (1.0, 1.0, 1.0)])
def test_a_whole_space_gives_exact_values_and_the_condition_number(values: Any) -> None:
    found = extreme_eigenvalues(quadratic(values), onp.zeros(len(values)))
    assert (found.smallest, found.largest) == pytest.approx((min(values), max(values)), abs=1e-12)
    assert found.known == (True, True)
    if len(set(values)) == len(values) and 0.0 not in values:
        assert found.exact
        assert found.condition == pytest.approx(max(map(abs, values)) / min(map(abs, values)), rel=1e-9)
    assert found.stable_lr == (pytest.approx(2 / max(values)) if max(values) > 0 else math.inf)


def test_too_few_products_are_said_not_to_be_enough() -> None:
    values = onp.linspace(1.0, 2.0, 300)
    found = extreme_eigenvalues(quadratic(values), onp.zeros(300), most=5)
    assert found.known == (False, False)
    assert found.products == 5
    assert 1.0 <= found.smallest < found.largest <= 2.0


def test_a_condition_number_is_a_bound_where_the_hessian_is_not_convex() -> None:
    values = onp.concatenate([[-1.0], onp.linspace(0.01, 1.0, 200), [8.0]])
    found = extreme_eigenvalues(quadratic(values), onp.zeros(len(values)), most=30)
    assert found.condition == pytest.approx(8.0, rel=1e-4)
    assert Extremes.of(values, values.dtype).condition == pytest.approx(800.0)


def test_an_eigenvector_that_all_signs_may_miss_is_found() -> None:
    """Of (1, -1), to which the signs (1, 1) are orthogonal (Note [Two kinds of first vectors])."""
    h = onp.array([[1.0, -1.0], [-1.0, 1.0]])

    class Alike(Function):
        def random_signs(self, x: Any, number: int) -> Any:
            return onp.ones(x.size)

    objective = Alike(lambda x: 0.5 * x @ h @ x)
    assert extreme_eigenvalues(objective, onp.zeros(2)).largest == pytest.approx(2.0)
    assert spectral_density(objective, onp.zeros(2), probes=1).trace == pytest.approx(0.0, abs=1e-12)


def test_the_trace_of_a_diagonal_hessian_needs_one_probe() -> None:
    """Hutchinson's estimate with signs has no variance but from what is off the diagonal."""
    d = onp.array([3.0, -1.0, 0.5, 7.0])
    found = spectral_density(Function(lambda x: 0.5 * (d * x) @ x), onp.zeros(4), probes=1)
    assert found.trace == pytest.approx(d.sum(), rel=1e-12)
    assert found.trace_error == math.inf


def test_trace_and_moments_of_a_network_are_estimated_without_bias(all_of_network: Any) -> None:
    objective, x = network()
    found = spectral_density(objective, x, probes=12, steps=25)
    assert abs(found.trace - all_of_network.sum()) < 4 * found.trace_error
    onp.testing.assert_allclose(found.weights.sum(1), 1, rtol=1e-10)
    # of each probe, the points' mean is v · H v / v · v: the same that the trace is estimated by
    onp.testing.assert_allclose((found.weights * found.points).sum(1) * x.size, found.traces, rtol=1e-9)
    assert (found.weights * found.points**2).sum(1).mean() == pytest.approx((all_of_network**2).mean(), rel=0.2)
    assert found.below(0.3 * all_of_network[-1]) == pytest.approx(
        float((all_of_network < 0.3 * all_of_network[-1]).mean()), abs=0.02
    )


def test_a_density_integrates_to_one() -> None:
    found = spectral_density(quadratic((-1.0, 0.0, 2.0)), onp.zeros(3), probes=3)
    places = onp.linspace(-3, 4, 4001)
    assert onp.trapezoid(found.at(places, 0.1), places) == pytest.approx(1.0, abs=1e-6)


def test_what_is_not_finite_is_said() -> None:
    class Bad(Function):
        def hessian_product(self, x: Any, v: Any) -> Any:
            return onp.where(onp.arange(v.size) == 1, onp.nan, v)

    for measure in (extreme_eigenvalues, spectral_density, hessian_eigenvalues):
        with pytest.raises(NonFiniteError, match=r"curvature: 1 of 3 numbers of a Hessian-vector product"):
            measure(Bad(lambda x: x @ x), onp.zeros(3))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("n", "vectors", "dense", "said"),
    [
        (10**6, 100, True, "whole Hessian of 1,000,000 parameters takes 48,000.0 GB a rank, of 8.0 GB"),
        (10**8, 100, False, "100 vectors of Lanczos' method for the Hessian of 100,000,000 parameters take 80.0 GB"),
    ],
)
def test_what_is_too_large_is_refused_with_what_it_takes(n: int, vectors: int, dense: bool, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        require_memory(n, vectors, 8e9, dense)
    assert refused.value.remedy.startswith("Leave --dense out" if dense else "Give --steps 10.")
    require_memory(n // 10**4, vectors, 8e9, dense)


def test_a_flat_direction_is_known_to_be_flat() -> None:
    """An eigenvalue of 0 is never known relative to itself; within rounding of the largest, it is 0."""
    values = onp.concatenate([onp.zeros(40), onp.linspace(1.0, 3.0, 60)])
    for found in (
        extreme_eigenvalues(quadratic(values), onp.zeros(100)),
        Extremes.of(onp.sort(values), values.dtype),
    ):
        assert found.known == (True, True)
        assert abs(found.smallest) <= found.flat
        assert found.condition == math.inf
    assert extreme_eigenvalues(quadratic(values), onp.zeros(100), most=3).known == (False, False)
