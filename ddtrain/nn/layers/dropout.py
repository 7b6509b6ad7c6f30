"""Dropout, of single units and of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn.module import Module


class Dropout(Module):
    """Sets a fraction ``rate`` of the activations to zero in training and scales the others by 1/(1 − rate).

    The mask of a sample depends on (seed, layer, step, position in the global batch) and on nothing else; a layer that
    is called again in the same forward pass drops other units.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: A simple way to prevent neural networks
    from overfitting".

    >>> from ddtrain.rng import SampleRng
    >>> dropout = Dropout(0.5)
    >>> sorted(set(dropout.bind({}, training=True, rng=SampleRng(seed=0, step=0))(np.ones((1, 20))).ravel().tolist()))
    [0.0, 2.0]
    >>> dropout.bind({})(np.ones((1, 2)))
    array([[1., 1.]])
    """

    def __init__(self, rate: float = 0.5) -> None:
        if not 0 <= rate < 1:
            raise UsageError(f"{type(self).__name__}: rate {rate} is not in [0, 1)")
        self.rate = rate

    def forward(self, x: Array) -> Array:
        if not self.run.training or self.rate == 0:
            return x
        return ops.dropout(x, self.uniform(x.shape), rate=self.rate)

    def uniform(self, shape: tuple[int, ...]) -> Any:
        """The numbers in [0, 1) that decide, of that shape."""
        return self.run.uniform(f"dropout/{self._path}", shape)


class SpatialDropout(Dropout):
    """Drops whole channels of (N, ..., C), since neighbouring positions tell each other's values.

    PyTorch's Dropout2d of images and Dropout1d of sequences (Tompson et al., arXiv:1411.4280). The mask of a sample
    depends on the same as that of :class:`Dropout`.

    >>> from ddtrain.rng import SampleRng
    >>> y = SpatialDropout(0.5).bind({}, training=True, rng=SampleRng(seed=0, step=0))(np.ones((1, 4, 4, 9)))
    >>> bool((y == y[:, :1, :1]).all())
    True
    """

    def uniform(self, shape: tuple[int, ...]) -> Any:
        if len(shape) < 3:
            raise ShapeError(f"SpatialDropout: x has shape {shape}, not (N, ..., C) with positions between")
        by_channel = super().uniform((shape[0], shape[-1]))
        return np.broadcast_to(by_channel.reshape(shape[0], *[1] * (len(shape) - 2), shape[-1]), shape)
