"""A module at PyTorch's values: waves in PyTorch's layout, and digests of its answer and gradients in that layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch_numbers import digests, wave

from ddtrain import nn


def torch_values(module: nn.Module, first: int) -> dict[str, Any]:
    """Parameter k of the module is wave ``first + k`` of PyTorch's shape."""
    declared = module.declarations()
    return nn.from_torch(
        module, nn.TorchTensors({n: wave(d.torch_shape(), first + k) for k, (n, d) in enumerate(declared.items())})
    )


def module_digests(
    module: nn.Module, call: Callable[..., Any], *xs: Any, first: int = 3, dtype: Any = np.float64
) -> list[list[float]]:
    """Of ``call(bound module, *xs)``, of the gradient by each x, and by each parameter as PyTorch lays it out."""
    values, declared = torch_values(module, first), module.declarations()
    names = list(values)

    def as_here(name: str, tensor: Any) -> Any:
        axes = declared[name].torch_axes
        return tensor if axes is None else tensor.transpose(np.argsort(axes))

    def fun(*args: Any) -> Any:
        given, tensors = args[: len(xs)], args[len(xs) :]
        return call(module.bind({n: as_here(n, t) for n, t in zip(names, tensors, strict=True)}), *given)

    tensors = [wave(declared[n].torch_shape(), first + k) for k, n in enumerate(names)]
    return digests(fun, *(a.astype(dtype) for a in (*xs, *tensors)))
