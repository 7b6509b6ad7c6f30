"""What models call directly is what the operations are, so that a model needs ``ddtrain.nn`` alone."""

from __future__ import annotations

import pytest

from ddtrain import ops
from ddtrain.nn import functional


@pytest.mark.parametrize("name", functional.__all__)
def test_each_function_is_the_operation_of_its_name(name: str) -> None:
    assert getattr(functional, name) is getattr(ops, name)
