"""JAX's contestant: the whole step, picking the batch included, is one jitted function whose buffers are donated.

Same model, same initial values, same data, and one thread: XLA takes the size of its pool from NPROC when it starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import data
from ddtrain.bench.peers.ddtrain_steps import OPTIM
from ddtrain.bench.peers.jax_models import MODELS, Net, jax, jnp
from ddtrain.bench.peers.registry import Trainee
from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator

_ONE_THREAD = {"NPROC": "1", "JAX_PLATFORMS": "cpu"}


class _Loop:
    """Steps over shuffled data, again and again."""

    def __init__(self, workload: Workload) -> None:
        x, labels = workload.arrays(ranks=1)
        model = workload.architecture(**workload.arguments)
        declared = model.declarations()
        values = {path: jnp.array(value) for path, value in model.init(seed=0).items()}
        self.trained = {path: value for path, value in values.items() if declared[path].trained}
        self.buffers = {path: value for path, value in values.items() if not declared[path].trained}
        self.velocity = {path: jnp.zeros_like(value) for path, value in self.trained.items()}
        self.data = jnp.asarray(x), jnp.asarray(labels)  # integers become 32 bits wide, as JAX has them
        self.batches = [rows.astype(np.int32) for rows in data.batches(0, 0, len(x), workload.batch)]
        self.step = _step_of(workload)
        self.taken = 0

    def __call__(self) -> dict[str, float]:
        started = perf_counter()
        rows = self.batches[self.taken % len(self.batches)]
        reached = self.step(self.trained, self.velocity, self.buffers, *self.data, rows)
        self.trained, self.velocity, self.buffers, self.mean_loss = reached
        self.mean_loss.block_until_ready()  # a program's results are ready together
        self.taken += 1
        return {"jax": perf_counter() - started}

    def loss(self) -> float:
        return float(self.mean_loss)

    def tensors(self) -> dict[str, NDArray[Any]]:
        return {path: np.array(value) for path, value in (self.trained | self.buffers).items()}


def _step_of(workload: Workload) -> Any:
    forward = partial(MODELS[workload.architecture.__name__], **workload.arguments)

    def mean_loss(trained: Any, buffers: Any, x: Any, labels: Any) -> Any:
        net = Net(trained | buffers)
        logits = forward(net, x)
        logits_MK = logits.reshape(-1, logits.shape[-1])
        of_labels = jnp.take_along_axis(jax.nn.log_softmax(logits_MK), labels.reshape(-1, 1), axis=1)
        return -jnp.mean(of_labels), buffers | net.updates

    @partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(trained: Any, velocity: Any, buffers: Any, x: Any, labels: Any, rows: Any) -> Any:
        differentiate = jax.value_and_grad(mean_loss, has_aux=True)
        (loss, buffers), grads = differentiate(trained, buffers, x[rows], labels[rows])
        velocity = jax.tree.map(lambda v, g: OPTIM.momentum * v + g, velocity, grads)
        trained = jax.tree.map(lambda value, v: value - OPTIM.lr * v, trained, velocity)
        return trained, velocity, buffers, loss

    return step


@contextmanager
def open_peer(comm: Communicator, workload: Workload) -> Iterator[Trainee]:
    """A trainee whose figure is ``jax``, on one rank."""
    for name, value in _ONE_THREAD.items():
        os.environ.setdefault(name, value)
    yield _Loop(workload)
