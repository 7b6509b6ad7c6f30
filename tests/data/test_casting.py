"""Batches in the run's dtype."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from ddtrain.data import cast


class Pair(NamedTuple):
    x: Any
    y: Any


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_arrays_alone_and_wherever_they_lie(dtype: Any) -> None:
    text, whole = np.array(["a"]), np.arange(3, dtype=np.int16)
    given = (
        {"x": np.ones(2, np.float16), "in": [np.ones(1, ">f8"), whole]},
        Pair(np.ones(2, np.float64), text),
        "name",
    )
    tree, pair, name = cast(given, dtype)
    assert tree["x"].dtype == tree["in"][0].dtype == pair.x.dtype == dtype
    assert type(pair) is Pair
    assert (tree["in"][1], pair.y, name) == (whole, text, "name")


@pytest.mark.parametrize(("dtype", "wanted"), [(np.float32, np.complex64), (np.float64, np.complex128)])
def test_complex_arrays_have_the_precision_of_the_run(dtype: Any, wanted: Any) -> None:
    assert cast(np.ones(2, np.complex128), dtype).dtype == wanted
    assert cast(np.float64(1), dtype).dtype == dtype


def test_nothing_is_copied_that_has_its_dtype() -> None:
    x = np.ones(3, np.float32)
    assert cast((x,), np.float32)[0] is x
