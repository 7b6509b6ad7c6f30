"""Directions as long as a network's filters, a path's principal components, and losses where they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from objectives import Function

from ddtrain.diagnose.landscape import (
    coordinates,
    losses_on_line,
    losses_on_plane,
    principal_directions,
    random_direction,
)
from ddtrain.errors import UsageError
from ddtrain.param_store import ParamStore

R = np.random.default_rng(0)


def store() -> ParamStore:
    values = {"conv": R.standard_normal((3, 3, 2, 4)), "scale": np.ones(4), "head": R.standard_normal((5, 2))}
    values["head"][:, 1] = 0.0  # a dead unit
    return ParamStore(values, {}, np.float64)


def test_filters_are_as_long_as_the_networks_and_biases_have_no_direction() -> None:
    of = store()
    directions = [random_direction(of, of.values, 0, number) for number in (0, 1)]
    for d in directions:
        parts = {name: d[span].reshape(of.parameters[name].shape) for name, span in zip(of.names, of.spans)}
        for name, axes in (("conv", (0, 1, 2)), ("head", (0,))):
            np.testing.assert_allclose(
                np.sqrt((parts[name] ** 2).sum(axes)), np.sqrt((of.parameters[name] ** 2).sum(axes)), rtol=1e-12
            )
        assert not parts["scale"].any()
    assert abs(directions[0] @ directions[1]) < 0.9 * (directions[0] @ directions[0])
    np.testing.assert_array_equal(directions[0], random_direction(of, of.values, 0, 0))
    assert (directions[0] != random_direction(of, of.values, 1, 0)).any()


def test_a_network_without_filters_has_no_random_direction() -> None:
    of = ParamStore({"scale": np.ones(4), "head": np.zeros((3, 2))}, {}, np.float64)
    with pytest.raises(UsageError, match="no filter has a length"):
        random_direction(of, of.values, 0, 0)


def test_a_scaled_network_has_directions_scaled_with_it() -> None:
    """What ReLU networks compute is the same with scaled layers, and so is their landscape then."""
    of = store()
    np.testing.assert_allclose(
        random_direction(of, 10 * of.values, 0, 0), 10 * random_direction(of, of.values, 0, 0), rtol=1e-12
    )


def test_principal_directions_are_those_of_the_singular_values() -> None:
    path, centre = [R.standard_normal(7) for _ in range(5)], R.standard_normal(7)
    found = principal_directions(path, centre)
    _, sizes, rows = np.linalg.svd(np.array(path) - centre)
    for axis, row in zip(found.axes, rows):
        assert abs(axis @ row) == pytest.approx(1.0, abs=1e-12)
        assert np.linalg.norm(axis) == pytest.approx(1.0, abs=1e-12)
    assert found.shares == pytest.approx(tuple(sizes[:2] ** 2 / (sizes**2).sum()))


@pytest.mark.parametrize("path", [[np.ones(3)], [np.ones(3), 2 * np.ones(3)], [np.zeros(3)]])
def test_a_path_in_one_line_spans_no_plane(path: Any) -> None:
    with pytest.raises(UsageError, match="span no plane"):
        principal_directions(path, np.zeros(3))


def test_places_on_a_plane_are_found_again_though_its_axes_are_aslant() -> None:
    centre, axes = R.standard_normal(6), (R.standard_normal(6), R.standard_normal(6))
    places = np.array([[0.5, -1.0], [2.0, 0.25]])
    points = [centre + p * axes[0] + q * axes[1] for p, q in places]
    np.testing.assert_allclose(coordinates(points, centre, axes), places, rtol=1e-10)
    off = [points[0] + np.linalg.svd(np.array(axes))[2][-1]]  # away from the plane, at right angles
    np.testing.assert_allclose(coordinates(off, centre, axes), places[:1], rtol=1e-10)


def test_losses_are_those_of_the_points() -> None:
    objective = Function(lambda x: (x * x).sum())
    one, other = np.array([1.0, 0.0]), np.array([3.0, 0.0])
    np.testing.assert_allclose(losses_on_line(objective, one, other, [-0.5, 0.0, 0.5, 1.0]), [0.0, 1.0, 4.0, 9.0])
    axes = np.array([1.0, 0.0]), np.array([0.0, 2.0])
    np.testing.assert_allclose(losses_on_plane(objective, one, axes, [-1.0, 0.0], [0.0, 1.0, 2.0]),
                               [[0.0, 1.0], [4.0, 5.0], [16.0, 17.0]])  # fmt: skip
