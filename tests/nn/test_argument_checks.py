"""Widths and windows that no layer can have: refused where the layer is made, by layer and argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import UsageError

WIDTHS: dict[str, Callable[[Any], nn.Module]] = {
    "Linear: d_in": lambda n: nn.Linear(n, 2),
    "Linear: d_out": lambda n: nn.Linear(2, n),
    "Conv2d: c_in": lambda n: nn.Conv2d(n, 2, 3),
    "Conv2d: c_out": lambda n: nn.Conv2d(2, n, 3),
    "Conv2d: groups": lambda n: nn.Conv2d(4, 4, 3, groups=n),
    "Embedding: vocabulary": lambda n: nn.Embedding(n, 2),
    "Embedding: d": lambda n: nn.Embedding(2, n),
    "LayerNorm: d": lambda n: nn.LayerNorm(n),
    "BatchNorm: channels": lambda n: nn.BatchNorm(n),
    "CausalSelfAttention: d": lambda n: nn.CausalSelfAttention(n, 1),
    "CausalSelfAttention: heads": lambda n: nn.CausalSelfAttention(4, n),
}
WINDOWS: dict[str, Callable[[Any], nn.Module]] = {
    "Conv2d: kernel": lambda n: nn.Conv2d(2, 2, n),
    "Conv2d: stride": lambda n: nn.Conv2d(2, 2, 3, stride=n),
    "MaxPool2d: kernel": lambda n: nn.MaxPool2d(n),
    "MaxPool2d: stride": lambda n: nn.MaxPool2d(2, stride=n),
    "AvgPool2d: kernel": lambda n: nn.AvgPool2d(n),
    "AvgPool2d: stride": lambda n: nn.AvgPool2d(2, stride=n),
}
PADDINGS: dict[str, Callable[[Any], nn.Module]] = {
    "Conv2d: padding": lambda n: nn.Conv2d(2, 2, 3, padding=n),
    "MaxPool2d: padding": lambda n: nn.MaxPool2d(2, padding=n),
    "AvgPool2d: padding": lambda n: nn.AvgPool2d(2, padding=n),
}


@pytest.mark.parametrize("which", WIDTHS)
@pytest.mark.parametrize("value", [0, -1, True, np.True_, 2.0, "2", None, (2,)])
def test_widths(which: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        WIDTHS[which](value)
    assert caught.value.message.startswith(f"{which} {value!r} is ")
    assert WIDTHS[which](np.int32(1)).init(0) is not None


@pytest.mark.parametrize("which", [*WINDOWS, *PADDINGS])
@pytest.mark.parametrize("value", [-1, True, 2.0, "2", (2,), (1, 2, 3), (1, 2.0), (1, -1)])
def test_windows(which: str, value: Any) -> None:
    make = {**WINDOWS, **PADDINGS}[which]
    if which == "Conv2d: padding" and isinstance(value, str):
        pytest.skip("the operation knows which words it knows")
    with pytest.raises(UsageError) as caught:
        make(value)
    assert caught.value.message.startswith(f"{which} {value!r} is ")
    for fine in (np.int64(1), (1, np.int8(1)), [1, 1]):
        make(fine)


@pytest.mark.parametrize("which", WINDOWS)
def test_windows_of_nothing(which: str) -> None:
    for value in (0, (2, 0)):
        with pytest.raises(UsageError, match="is less than 1"):
            WINDOWS[which](value)


def test_shapes_are_pythons_integers() -> None:
    shapes = [d.shape for d in nn.Conv2d(np.int64(4), np.int8(2), (np.int64(3), 1)).declarations().values()]
    assert shapes == [(3, 1, 4, 2), (2,)]
    assert all(type(n) is int for shape in shapes for n in shape)
