"""A batch of any data set: a tuple of arrays, whose real numbers are of the run's type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.data.dataset import batch_of
from ddtrain.errors import DataError


class Given:
    """Gives what it is told to."""

    def __init__(self, batch: Any) -> None:
        self.given, self.asked = batch, list[Any]()

    def __len__(self) -> int:
        return 10

    def batch(self, indices: Any) -> Any:
        self.asked.append(indices)
        return self.given


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_numbers_are_brought_to_the_runs_type_and_others_stay(dtype: Any) -> None:
    x, y = batch_of(Given((np.ones(2, np.float16), np.arange(2, dtype=np.int8))), np.arange(2), dtype)
    assert (x.dtype, y.dtype) == (dtype, np.int8)


def test_rows_are_asked_for_as_they_are() -> None:
    given = Given([np.ones(2)])
    assert type(batch_of(given, np.array([7, 3]), np.float64)) is tuple
    np.testing.assert_array_equal(given.asked[0], [7, 3])


@pytest.mark.parametrize(
    ("batch", "what"),
    [(np.ones((2, 3)), "an ndarray"), (None, "nothing"), ({"x": np.ones(2)}, "a dict"), (tuple, "the class tuple")],
    ids=["array", "none", "dict", "class"],
)
def test_what_is_no_tuple_would_be_taken_apart(batch: Any, what: str) -> None:
    with pytest.raises(DataError) as caught:
        batch_of(Given(batch), np.arange(2), np.float32)
    assert caught.value.message == f"Given.batch returned {what} where a tuple of arrays is wanted"
    assert caught.value.remedy == "Return (x,) if there is only one array."
