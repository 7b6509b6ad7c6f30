"""Checks that operations share: pairs, axes, vectors, and indices, each with one line that names both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.errors import ShapeError, UsageError
from ddtrain.ops.argument_checks import check_indices, check_rank, check_vector, integer, pair


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2, 2)), ((1, 3), (1, 3)), ([1, 3], (1, 3)), (np.int64(2), (2, 2)), (np.array([1, 3]), (1, 3))],
)
def test_a_number_stands_for_both_sides(value: Any, expected: tuple[int, int]) -> None:
    found = pair(value, "conv2d", "stride", 1)
    assert found == expected
    assert all(type(side) is int for side in found)


@pytest.mark.parametrize("value", [(1, 2, 3), (1,), (), "x", "12", True, 1.5, (1, 2.0), None, np.array([1.0, 2.0])])
def test_what_is_no_pair_is_said(value: Any) -> None:
    with pytest.raises(ShapeError, match=r"^conv2d: stride .* is neither an integer nor a pair of integers$"):
        pair(value, "conv2d", "stride", 1)


def test_either_side_may_be_too_small() -> None:
    for value in (0, (0, 1), (1, 0)):
        with pytest.raises(UsageError) as caught:
            pair(value, "conv2d", "stride", 1, UsageError)
        assert caught.value.message == f"conv2d: stride {value!r} is less than 1"


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None])
def test_what_is_no_integer(value: Any) -> None:
    with pytest.raises(TypeError):
        integer(value)


def test_axes_are_counted() -> None:
    check_rank("conv2d", "x_NHWC", np.zeros((1, 2, 3, 4)), 4)
    with pytest.raises(ShapeError) as caught:
        check_rank("conv2d", "x_NHWC", np.zeros((2, 3)), 4, "Add a channel.")
    assert str(caught.value) == "conv2d: x_NHWC has 2 axes, not 4: shape (2, 3)\n  Add a channel."


@pytest.mark.parametrize("shape", [(), (2,), (3, 1), (0,)])
def test_a_vector_has_a_channel_each(shape: tuple[int, ...]) -> None:
    check_vector("layer_norm", "scale", np.zeros(3), 3, "x (4, 3)")
    with pytest.raises(ShapeError) as caught:
        check_vector("layer_norm", "scale", np.zeros(shape), 3, "x (4, 3)")
    assert caught.value.message == f"layer_norm: scale has shape {shape} but x (4, 3) has 3 channels"
    assert caught.value.remedy == "Give it shape (3,)."


@pytest.mark.parametrize(
    ("indices", "said"),
    [
        (np.array([0, 3, -1]), "cross_entropy: label 3 at position 1 is outside [0, 3) (2 of 3 are)"),
        (np.array([[0, 2], [1, 9]]), "cross_entropy: label 9 at position (1, 1) is outside [0, 3) (1 of 4 are)"),
        (np.array(7), "cross_entropy: label 7 at position () is outside [0, 3) (1 of 1 are)"),
        (np.array([1.0]), "cross_entropy: labels have dtype float64, not integers"),
        (np.array([True]), "cross_entropy: labels have dtype bool, not integers"),
    ],
)
def test_the_first_index_that_is_out_of_range_is_named(indices: Any, said: str) -> None:
    with pytest.raises(ShapeError) as caught:
        check_indices("cross_entropy", "label", "labels", indices, 3, "")
    assert caught.value.message == said


@pytest.mark.parametrize("indices", [np.array([0, 2]), np.zeros((0, 3), np.uint8), np.array(1, np.int8)])
def test_indices_that_fit_are_let_through(indices: Any) -> None:
    check_indices("embedding", "index", "indices", indices, 3, "")


def test_of_no_rows_none_may_be_asked_for() -> None:
    check_indices("embedding", "index", "indices", np.zeros(0, int), 0, "")
    with pytest.raises(ShapeError, match=r"index 0 at position 0 is outside \[0, 0\)"):
        check_indices("embedding", "index", "indices", np.zeros(1, int), 0, "")
