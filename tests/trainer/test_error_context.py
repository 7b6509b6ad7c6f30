"""An error says where it came from: one of ddtrain's in its place, any other in a note."""

from __future__ import annotations

import pytest

from ddtrain.errors import ShapeError
from ddtrain.trainer.error_context import error_context


def test_an_error_of_ddtrain_gets_its_place() -> None:
    with pytest.raises(ShapeError, match="rank 2, step 5") as caught, error_context(lambda: "forward", 2, 5, rank=2):
        raise ShapeError("loss: wrong")
    assert caught.value.place["step"] == 5


def test_any_other_gets_a_note() -> None:
    with pytest.raises(RuntimeError) as caught, error_context(lambda: "forward", 2, 5, rank=2):
        raise RuntimeError("broken on purpose")
    assert caught.value.__notes__ == ["rank 2, step 5, in forward"]
