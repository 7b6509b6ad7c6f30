"""Declarations: shapes that an array can have, PyTorch's layout, and how shards' values become one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import UsageError
from ddtrain.nn.declarations import differ_in_torch_axes


@pytest.mark.parametrize("shape", [(-5,), (2.0,), (3, True), (10**30,), (2**40, 2**40)])
def test_no_array_has_such_a_shape(shape: Any) -> None:
    for declare in (nn.param, nn.buffer):
        with pytest.raises(UsageError, match=r"(parameter|buffer): no array has the shape \("):
            declare(shape, nn.init.zeros)


R = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("shape", "axes"), [((3, 2), (1, 0)), ((5, 4, 2, 3), (3, 2, 0, 1)), ((3, 2), None), ((), None), ((0, 3), (1, 0))]
)
def test_to_pytorchs_layout_and_back(shape: tuple[int, ...], axes: tuple[int, ...] | None) -> None:
    declared, value = nn.param(shape, nn.init.zeros, torch_axes=axes), R.standard_normal(shape)
    there = declared.to_torch(value)
    assert there.shape == declared.torch_shape()
    assert there.flags.c_contiguous
    np.testing.assert_array_equal(there, value if axes is None else np.transpose(value, axes))
    np.testing.assert_array_equal(declared.from_torch(there), value)


def test_counters_are_whole_numbers_there() -> None:
    declared = nn.buffer((), nn.init.zeros, torch_dtype=np.int64)
    there = declared.to_torch(np.array(3.0, np.float32))
    assert (there.dtype, there.shape, int(there)) == (np.int64, (), 3)


def test_parameters_are_trained_and_buffers_are_not() -> None:
    parameter, buffer = nn.param((2,), nn.init.zeros), nn.buffer((2,), nn.init.zeros)
    assert (parameter.trained, parameter.reduce) == (True, "same")
    assert (buffer.trained, buffer.reduce) == (False, "same")
    assert nn.buffer((), nn.init.zeros, reduce="mean").reduce == "mean"


def test_a_rule_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        UsageError, match=r"^buffer: reduce='max' is not a rule\n  Give one of same, mean, sum, rows\.$"
    ):
        nn.buffer((), nn.init.zeros, reduce="max")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (((3, 3), (1, 0)), ((3, 3), None), True),
        (((3, 3), (0, 1)), ((3, 3), None), False),
        (((3, 3), (1, 0)), ((3, 3), (1, 0)), False),
        (((3, 2), (1, 0)), ((2, 3), None), False),
    ],
)
def test_declarations_that_differ_in_which_axis_is_which(one: Any, other: Any, differ: bool) -> None:
    first, second = (nn.param(shape, nn.init.zeros, torch_axes=axes) for shape, axes in (one, other))
    assert differ_in_torch_axes(first, second) == differ


def test_a_declaration_does_not_change() -> None:
    declared = nn.param((2,), nn.init.zeros)
    with pytest.raises(FrozenInstanceError):
        declared.shape = (3,)
