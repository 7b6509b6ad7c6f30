"""Parameters as one flat vector: values and gradients side by side, each parameter a view of both.

The layout is in *reverse* order of declaration: backward finishes the last layers first, so the head of the
gradient vector is complete, and can be reduced, while the rest is still being computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]


class FlatArrays:
    """Named arrays laid end to end, last first, in one vector.

    >>> flat = FlatArrays({"w": (2, 2), "b": (2,)}, np.dtype(float))
    >>> flat.views["w"][...] = 7
    >>> flat.vector
    array([0., 0., 7., 7., 7., 7.])
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, ...]], dtype: np.dtype[Any], vector: Array | None = None
    ) -> None:
        sizes = {name: int(np.prod(shape, dtype=np.int64)) for name, shape in shapes.items()}
        self.vector = np.zeros(sum(sizes.values()), dtype) if vector is None else vector
        self.spans: dict[str, slice] = {}
        offset = 0
        for name in reversed(list(shapes)):
            self.spans[name] = slice(offset, offset + sizes[name])
            offset += sizes[name]
        self.views = {name: self.vector[self.spans[name]].reshape(shape) for name, shape in shapes.items()}


class ParamStore:
    """The parameters and buffers of one replica.

    Parameters
    ----------
    parameters, buffers : initial values by name, in order of declaration
    dtype : of every vector
    values, grads : zeroed vectors to use, in memory that others see; own ones unless given
    fill : copy the initial values in; not where another rank does it for all of a node

    Attributes
    ----------
    values, grads : (n,) flat vectors, last parameter first
    state : (m,) flat vector of buffers (running statistics)
    names : parameter names in order of declaration; index i of a parameter is its position here
    value_views, grad_views : parameter i as an array of its own shape
    spans : where parameter i lies in the vectors

    >>> store = ParamStore({"w": np.ones((2, 2)), "b": np.zeros(2)}, {})
    >>> store.values
    array([0., 0., 1., 1., 1., 1.], dtype=float32)
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        buffers: Mapping[str, Array],
        dtype: DTypeLike = np.float32,
        values: Array | None = None,
        grads: Array | None = None,
        fill: bool = True,
    ) -> None:
        self.dtype = np.dtype(dtype)
        # a sum of squares below this proves that every value is finite, in one pass
        self._far_from_infinity = float(np.finfo(self.dtype).max)
        shapes = {name: np.shape(value) for name, value in parameters.items()}
        of_values = FlatArrays(shapes, self.dtype, values)
        of_grads = FlatArrays(shapes, self.dtype, grads)
        state = FlatArrays({name: np.shape(value) for name, value in buffers.items()}, self.dtype)
        self.names = list(parameters)
        self.values, self.grads, self.state = of_values.vector, of_grads.vector, state.vector
        self.value_views = [of_values.views[name] for name in self.names]
        self.grad_views = [of_grads.views[name] for name in self.names]
        self.spans = [of_values.spans[name] for name in self.names]
        self.state_views = state.views
        self.load_state(buffers)
        if fill:
            self.load_parameters(parameters)

    def load_parameters(self, parameters: Mapping[str, Array]) -> None:
        """Copy values of parameters in, by name."""
        for name, view in self.parameters.items():
            view[...] = parameters[name]

    def load_state(self, buffers: Mapping[str, Array]) -> None:
        """Copy values of buffers in, by name."""
        for name, view in self.state_views.items():
            view[...] = buffers[name]

    def stays_finite(self, name: str, value: Array) -> bool:
        """Whether a new value of a buffer, in the dtype it is kept in, brings no NaN or infinity that was not there."""
        if np.vdot(value, value) < self._far_from_infinity:
            return True
        view = self.state_views[name]
        new = np.asarray(value, view.dtype)
        finite = np.isfinite(new)
        return bool(finite.all() or not (np.isfinite(view) & ~finite).any())

    @property
    def parameters(self) -> dict[str, Array]:
        """Parameter views by name."""
        return dict(zip(self.names, self.value_views, strict=True))

    @property
    def tensors(self) -> dict[str, Array]:
        """Parameter and buffer views by name."""
        return {**self.parameters, **self.state_views}

    def with_parameters(self, parameters: Sequence[Any]) -> dict[str, Any]:
        """Other values for the parameters, in the order of ``names``, with the buffers as they are, by name."""
        return {**dict(zip(self.names, parameters, strict=True)), **self.state_views}

    def sha256(self) -> str:
        """Hash of the final parameter bytes in name order (running statistics are not parameters)."""
        return _sha256(self.parameters)

    def model_sha256(self) -> str:
        """Hash of the bytes of all that the model is, parameters and buffers, in name order."""
        return _sha256(self.tensors)


def _sha256(tensors: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for _, view in sorted(tensors.items()):
        digest.update(np.ascontiguousarray(view).data)
    return digest.hexdigest()
