"""PyTorch's contestants: the loop of its tutorials, without any logging, and DistributedDataParallel over gloo; and on
one rank the same with model and loss through ``torch.compile``.

Same model, same initial values, same data, same batch a rank, one thread a rank. Batch-norm is PyTorch's own, which
ranks do not share; ours is synchronised.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.bench.peers import pytorch_images, pytorch_models
from ddtrain.bench.peers.ddtrain_steps import OPTIM
from ddtrain.bench.peers.pytorch_models import torch
from ddtrain.bench.peers.registry import CannotRun, Trainee
from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator
from ddtrain.nn import from_torch, to_torch


def twin(workload: Workload) -> Any:
    """The workload's model in PyTorch, with our initial values."""
    ours = workload.architecture(**workload.arguments)
    kind = type(ours).__name__
    home = pytorch_images if hasattr(pytorch_images, kind) else pytorch_models
    model = getattr(home, kind)(**workload.arguments)
    tensors = to_torch(ours, ours.init(seed=0))
    model.load_state_dict({name: torch.from_numpy(x.copy()) for name, x in tensors.items()}, strict=True)
    return model


def images_first(x: np.ndarray[Any, Any]) -> Any:
    """As a tensor; images with their channels first, as PyTorch has them."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x)


class _Loop:
    """Steps over one rank's share of shuffled data, again and again."""

    name = "torch"

    def __init__(self, comm: Communicator, workload: Workload) -> None:
        self.ours = workload.architecture(**workload.arguments)
        x, labels = workload.arrays(comm.size)
        first, last = data.shard_bounds(len(x), comm.rank, comm.size)
        self.data = images_first(x[first:last]), torch.from_numpy(labels[first:last])
        self.batches = [torch.from_numpy(rows) for rows in data.batches(0, 0, last - first, workload.batch)]
        self.twin = self.model = twin(workload)
        if comm.size > 1:
            self.model = torch.nn.parallel.DistributedDataParallel(self.model)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=OPTIM.lr, momentum=OPTIM.momentum)
        self.taken = 0

    def __call__(self) -> dict[str, float]:
        started = perf_counter()
        rows = self.batches[self.taken % len(self.batches)]
        x, labels = (tensor[rows] for tensor in self.data)
        self.optimizer.zero_grad()
        self.mean_loss = self.loss_of(x, labels)
        self.mean_loss.backward()
        self.optimizer.step()
        self.taken += 1
        return {self.name: perf_counter() - started}

    def loss_of(self, x: Any, labels: Any) -> Any:
        """The mean over all labels: one row of logits for each, also where a sample has several."""
        return torch.nn.functional.cross_entropy(self.model(x).flatten(0, -2), labels.flatten())

    def loss(self) -> float:
        return float(self.mean_loss.item())

    def tensors(self) -> dict[str, np.ndarray[Any, Any]]:
        return from_torch(self.ours, {name: x.numpy().copy() for name, x in self.twin.state_dict().items()})


class _CompiledLoop(_Loop):
    """The same with one graph for forward pass, loss and backward pass."""

    name = "torch-compile"

    def __init__(self, comm: Communicator, workload: Workload) -> None:
        super().__init__(comm, workload)
        self.loss_of = torch.compile(self.loss_of)  # type: ignore[method-assign]


@contextmanager
def open_peer(comm: Communicator, workload: Workload) -> Iterator[Trainee]:
    """A trainee whose figure is ``torch``. Collective."""
    torch.set_num_threads(1)
    with process_group(comm):
        yield _Loop(comm, workload)


@contextmanager
def open_compiled(comm: Communicator, workload: Workload) -> Iterator[Trainee]:
    """A trainee whose figure is ``torch-compile``, on one rank; it has compiled, without taking a step.

    Raises
    ------
    CannotRun : torch.compile does not work here, for want of a C++ compiler, say
    """
    torch.set_num_threads(1)
    torch._inductor.config.compile_threads = 1  # here, not in processes that are still there when steps are timed
    loop = _CompiledLoop(comm, workload)
    state = {name: x.clone() for name, x in loop.twin.state_dict().items()}
    x, labels = (tensor[loop.batches[0]] for tensor in loop.data)
    try:
        loop.loss_of(x, labels).backward()
    except RuntimeError as error:  # all that torch.compile raises are
        raise CannotRun(f"torch.compile does not run here: {str(error).strip().splitlines()[0]}") from error
    loop.optimizer.zero_grad()
    loop.twin.load_state_dict(state)
    yield loop


@contextmanager
def gloo_sum(comm: Communicator) -> Iterator[Callable[[np.ndarray[Any, Any]], object]]:
    """A function that replaces a vector by its sum over the ranks. Collective."""
    with process_group(comm):
        yield lambda buf: torch.distributed.all_reduce(torch.from_numpy(buf))


@contextmanager
def process_group(comm: Communicator) -> Iterator[None]:
    """gloo between the ranks, which find each other through a file; nothing for one rank."""
    if comm.size == 1:
        yield
        return
    distributed = torch.distributed
    with tempfile.TemporaryDirectory(prefix="ddtrain-bench-") as directory:
        meeting_place = comm.exchange_objects(str(Path(directory) / "ranks"))[0]
        store = distributed.FileStore(meeting_place, comm.size)
        distributed.init_process_group("gloo", store=store, rank=comm.rank, world_size=comm.size)
        try:
            yield
            comm.barrier()
        finally:
            distributed.destroy_process_group()
            del store
        comm.barrier()  # no rank may still use the directory when rank 0 removes it
