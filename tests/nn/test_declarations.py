"""Declarations: shapes that an array can have, PyTorch's layout, and how shards' values become one."""

from __future__ import annotations

from typing import Any

import pytest

from ddtrain import nn
from ddtrain.errors import UsageError


@pytest.mark.parametrize("shape", [(-5,), (2.0,), (3, True), (10**30,), (2**40, 2**40)])
def test_no_array_has_such_a_shape(shape: Any) -> None:
    for declare in (nn.param, nn.buffer):
        with pytest.raises(UsageError, match=r"(parameter|buffer): no array has the shape \("):
            declare(shape, nn.init.zeros)
