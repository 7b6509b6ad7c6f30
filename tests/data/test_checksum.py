"""Checksums of contents: the same for the same values, another for others, for every kind of array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.errors import DataError


def of_objects(*values: Any) -> Any:
    array = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        array[k] = value
    return array


PAIRS = {
    "numbers": (np.arange(6), np.array([0, 1, 2, 3, 4, 6])),
    "of another order": (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T[::-1]),
    "dates": (np.array(["2020-01-01"], "M8[D]"), np.array(["2020-01-02"], "M8[D]")),
    "texts": (np.array(["a", "b"]), np.array(["a", "c"])),
    "records": (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 3.0)], "i4,f8")),
    "records of objects": (np.array([(1, "a")], "i4,O"), np.array([(1, "b")], "i4,O")),
    "ragged": (of_objects(np.ones(2), np.ones(3)), of_objects(np.ones(3), np.ones(2))),
    "lists": (of_objects([1, 2], [3]), of_objects([1], [2, 3])),
    "types": (of_objects(1, None), of_objects(1.0, None)),
    "dicts": (of_objects({"a": np.ones(1)}), of_objects({"b": np.ones(1)})),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_for_the_same_values_alone(name: str) -> None:
    one, other = PAIRS[name]
    assert data.checksum([one]) == data.checksum([np.array(one.tolist(), one.dtype) if one.ndim > 1 else one.copy()])
    assert data.checksum([one]) != data.checksum([other])


def test_of_no_values_at_all() -> None:
    assert data.checksum([np.empty((0, 3)), np.empty(0, "M8[D]")]) == "00000000"


def test_what_it_was_in_checkpoints_of_earlier_versions() -> None:
    """A run saved by one version goes on with the next: of plain arrays, the CRC-32 of their bytes."""
    assert data.ArrayData(np.arange(3, dtype="<i8"), np.ones(3, "<f4")).fingerprint() == "0664b1bf"


def test_objects_without_a_value_are_refused_by_name() -> None:
    with pytest.raises(DataError, match="array 1 holds objects of type object, whose values cannot be compared"):
        data.ArrayData(np.arange(2), of_objects(object(), object())).fingerprint()


def test_a_mask_is_not_thrown_away() -> None:
    with pytest.raises(DataError, match="array 1 is masked"):
        data.ArrayData(np.arange(3), np.ma.masked_equal(np.arange(3), 1))
