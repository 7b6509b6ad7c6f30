"""The step of a perceptron by hand in NumPy, as an engineer writes it who needs this one network to be fast.

Every array is made once: activations, cotangents, and one flat vector each for parameters, gradients and momentum, so
that the update is three calls. What an automatic trainer adds to this is what it costs.
"""

# N samples, D in, K out
from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain import data, models
from ddtrain.bench.peers.ddtrain_steps import OPTIM
from ddtrain.bench.peers.registry import CannotRun, Trainee
from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator

Array = NDArray[Any]
_MOMENTUM, _EPS = 0.1, 1e-5  # of batch-norm


class _Layer(Protocol):
    def forward(self, x: Array) -> Array: ...

    def backward(self, g: Array, to_input: bool) -> Array:
        """Writes the gradients of the parameters; may overwrite g."""
        ...


class _Linear:
    def __init__(self, n: int, w_DK: Array, b_K: Array | None, dw_DK: Array, db_K: Array | None) -> None:
        self.w, self.b, self.dw, self.db = w_DK, b_K, dw_DK, db_K
        self.y, self.dx = np.empty((n, w_DK.shape[1]), np.float32), np.empty((n, w_DK.shape[0]), np.float32)

    def forward(self, x: Array) -> Array:
        self.x = x
        np.matmul(x, self.w, out=self.y)
        if self.b is not None:
            self.y += self.b
        return self.y

    def backward(self, g: Array, to_input: bool) -> Array:
        np.matmul(self.x.T, g, out=self.dw)
        if self.db is not None:
            np.add.reduce(g, axis=0, out=self.db)
        return np.matmul(g, self.w.T, out=self.dx) if to_input else g


class _Relu:
    def __init__(self, n: int, width: int) -> None:
        self.positive = np.empty((n, width), np.bool_)

    def forward(self, x: Array) -> Array:
        np.greater(x, 0, out=self.positive)
        return np.maximum(x, 0, out=x)

    def backward(self, g: Array, to_input: bool) -> Array:
        return np.multiply(g, self.positive, out=g)


class _BatchNorm:
    def __init__(self, n: int, scale: Array, shift: Array, dscale: Array, dshift: Array, mean: Array, var: Array):
        self.scale, self.shift, self.dscale, self.dshift = scale, shift, dscale, dshift
        self.running_mean, self.running_var = mean, var
        self.n, self.x_hat, self.y = n, np.empty((n, len(scale)), np.float32), np.empty((n, len(scale)), np.float32)

    def forward(self, x: Array) -> Array:
        mean = np.add.reduce(x, axis=0) / self.n
        x_hat = np.subtract(x, mean, out=self.x_hat)
        variance = np.einsum("nk,nk->k", x_hat, x_hat) / self.n
        self.inv_std = 1 / np.sqrt(variance + np.float32(_EPS))
        x_hat *= self.inv_std
        for running, new in ((self.running_mean, mean), (self.running_var, variance * (self.n / (self.n - 1)))):
            running *= 1 - _MOMENTUM
            running += _MOMENTUM * new
        np.multiply(x_hat, self.scale, out=self.y)
        self.y += self.shift
        return self.y

    def backward(self, g: Array, to_input: bool) -> Array:
        np.add.reduce(g, axis=0, out=self.dshift)
        np.einsum("nk,nk->k", g, self.x_hat, out=self.dscale)
        g -= self.dshift / self.n
        g -= np.multiply(self.x_hat, self.dscale / self.n, out=self.y)
        g *= self.scale * self.inv_std
        return g


class _Loop:
    """Steps over shuffled data, again and again."""

    def __init__(self, workload: Workload) -> None:
        self.n = workload.batch
        self.data = workload.arrays(ranks=1)
        self.batches = data.batches(0, 0, len(self.data[0]), self.n)
        model = workload.architecture(**workload.arguments)
        declared, start = model.declarations(), model.init(seed=0)
        trained = {path: value for path, value in start.items() if declared[path].trained}
        self.values = np.concatenate([value.ravel() for value in trained.values()])
        self.grads, self.velocity, self.work = (np.zeros_like(self.values) for _ in range(3))
        self.params, grads = _views(self.values, trained), _views(self.grads, trained)
        self.buffers = {path: value.copy() for path, value in start.items() if not declared[path].trained}
        self.layers = self._layers(workload.arguments, grads)
        sizes = workload.arguments["sizes"]
        self.x, self.rows = np.empty((self.n, sizes[0]), np.float32), np.arange(self.n)
        self.labels = np.empty(self.n, self.data[1].dtype)
        self.sum = np.empty((self.n, 1), np.float32)
        self.taken = 0

    def _layers(self, arguments: Mapping[str, Any], grads: Mapping[str, Array]) -> list[_Layer]:
        layers: list[_Layer] = []
        for place, (_, width) in enumerate(pairwise(arguments["sizes"])):
            last = place == len(arguments["sizes"]) - 2
            path = f"layers.{len(layers)}"
            weight, bias = f"{path}.weight", f"{path}.bias"
            params = self.params
            layers.append(_Linear(self.n, params[weight], params.get(bias), grads[weight], grads.get(bias)))
            if arguments.get("batch_norm") and not last:
                path = f"layers.{len(layers)}"
                scale, shift = f"{path}.weight", f"{path}.bias"
                running = (self.buffers[f"{path}.running_{name}"] for name in ("mean", "var"))
                layers.append(_BatchNorm(self.n, params[scale], params[shift], grads[scale], grads[shift], *running))
            if not last:
                layers.append(_Relu(self.n, width))
        return layers

    def __call__(self) -> dict[str, float]:
        started = perf_counter()
        rows = self.batches[self.taken % len(self.batches)]
        x = np.take(self.data[0], rows, axis=0, out=self.x, mode="clip")  # clip: without a copy of the result
        labels = np.take(self.data[1], rows, out=self.labels, mode="clip")
        for layer in self.layers:
            x = layer.forward(x)
        g = self._cross_entropy(x, labels)
        for layer in reversed(self.layers):
            g = layer.backward(g, to_input=layer is not self.layers[0])
        self.velocity *= OPTIM.momentum
        self.velocity += self.grads
        self.values -= np.multiply(self.velocity, OPTIM.lr, out=self.work)
        self.taken += 1
        return {"numpy": perf_counter() - started}

    def _cross_entropy(self, logits: Array, labels: Array) -> Array:
        """Keeps the mean loss, and turns the logits into their cotangent."""
        logits -= np.maximum.reduce(logits, axis=1, keepdims=True, out=self.sum)
        of_labels = logits[self.rows, labels]
        np.exp(logits, out=logits)
        np.add.reduce(logits, axis=1, keepdims=True, out=self.sum)
        self.mean_loss = (np.log(self.sum).sum() - of_labels.sum()) / self.n
        self.sum *= self.n
        logits /= self.sum
        logits[self.rows, labels] -= 1 / self.n
        return logits

    def loss(self) -> float:
        return float(self.mean_loss)

    def tensors(self) -> dict[str, Array]:
        return self.params | self.buffers


def _views(vector: Array, shapes: Mapping[str, Array]) -> dict[str, Array]:
    """The parts of a vector, in order, in the shapes of these arrays."""
    ends = np.cumsum([value.size for value in shapes.values()])
    parts = np.split(vector, ends[:-1])
    return {path: part.reshape(value.shape) for part, (path, value) in zip(parts, shapes.items(), strict=True)}


@contextmanager
def open_peer(comm: Communicator, workload: Workload) -> Iterator[Trainee]:
    """A trainee whose figure is ``numpy``, on one rank.

    Raises
    ------
    CannotRun : the workload is no perceptron
    """
    if workload.architecture is not models.Mlp:
        raise CannotRun("numpy by hand is written for perceptrons alone")
    yield _Loop(workload)
