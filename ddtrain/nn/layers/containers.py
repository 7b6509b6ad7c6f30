"""Modules made of others, and the change of shape between them."""

from __future__ import annotations

from collections.abc import Iterator

import ddtrain.numpy as np
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, kind_of
from ddtrain.nn.module import Module


class Flatten(Module):
    """One row a sample. Images are flattened channels first, as PyTorch does, so that exported weights fit.

    >>> Flatten().bind({})(np.arange(4.0).reshape(1, 1, 2, 2))  # two pixels of two channels
    array([[0., 2., 1., 3.]])
    """

    def forward(self, x: Array) -> Array:
        if x.ndim == 4:
            x = np.transpose(x, (0, 3, 1, 2))
        return np.reshape(x, (x.shape[0], -1) if x.shape[0] else (0, int(np.prod(x.shape[1:]))))


class _ByPosition(Module):
    """Modules named by position: ``0.weight``, ``0.bias``, ``1.weight`` ..."""

    def __init__(self, *layers: Module) -> None:
        for k, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise ShapeError(f"{type(self).__name__}: argument {k} is {kind_of(layer)}, not a module")
            setattr(self, str(k), layer)

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return (layer for _, layer in self.children())

    def __getitem__(self, k: int) -> Module:
        return list(self)[k]


class Sequential(_ByPosition):
    """Modules one after the other, named by position: ``0.weight``, ``0.bias``, ``1.weight`` ...

    >>> from ddtrain import nn
    >>> model = Sequential(nn.Linear(4, 3), nn.relu(), nn.Linear(3, 2))
    >>> list(model.declarations())
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> len(model), [type(layer).__name__ for layer in model], model[-1].declarations()["bias"].shape
    (3, ['Linear', 'ReLU', 'Linear'], (2,))
    """

    def forward(self, x: Array) -> Array:
        for _, layer in self.children():
            x = layer(x)
        return x


class Concat(_ByPosition):
    """Modules side by side: what each makes of ``x``, joined along the last axis, the channels; as in Inception.

    >>> branches = Concat(Flatten(), Flatten())
    >>> branches.bind({})(np.array([[1.0, 2.0]]))
    array([[1., 2., 1., 2.]])

    Raises
    ------
    ShapeError : when called: answers that differ in other axes than the last
    """

    def forward(self, x: Array) -> Array:
        parts = [layer(x) for _, layer in self.children()]
        if len({part.shape[:-1] for part in parts}) != 1:
            shapes = ", ".join(str(part.shape) for part in parts)
            raise ShapeError(
                f"Concat: the answers have shapes {shapes or 'of no module'}, which differ in more than the last axis",
                remedy="Pad, or use the same stride, in each branch.",
            )
        return np.concatenate(parts, axis=-1)


class Residual(Module):
    """``body(x) + shortcut(x)``, the shortcut being x itself unless a module is given (He et al., arXiv:1512.03385).

    >>> Residual(Sequential()).bind({})(np.array([[1.0, 2.0]]))
    array([[2., 4.]])

    Raises
    ------
    ShapeError : when called: the two have different shapes
    """

    def __init__(self, body: Module, shortcut: Module | None = None) -> None:
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Array) -> Array:
        y, past = self.body(x), x if self.shortcut is None else self.shortcut(x)
        if y.shape != past.shape:
            raise ShapeError(
                f"Residual: the body's answer has shape {y.shape} but the shortcut's {past.shape}",
                remedy="Give a shortcut that changes the shape likewise, such as a convolution with kernel 1.",
            )
        return y + past
