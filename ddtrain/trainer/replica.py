"""One rank's replica of the run: where its vectors lie, which shards are its own, and the step that trains them.

Parameters and optimizer state exist once a node: its ranks see the same memory, each updates its own share of it, and
all see the new values (Note [Node reduction] in ``parallel/reducer.py``). Gradients exist once a rank, in memory that
the node reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import optim
from ddtrain.comm.protocol import Array, Communicator, Node
from ddtrain.errors import UsageError
from ddtrain.nn import Module
from ddtrain.parallel import Place, alloc_rows, find_place, verify_replicas
from ddtrain.parallel.verify import describe
from ddtrain.store import ParamStore
from ddtrain.trainer import tables
from ddtrain.trainer.config import Config
from ddtrain.trainer.step import TrainStep
from ddtrain.trainer.task import Task

_VECTORS = 4  # at most, as long as the parameters, once a node: values and optimizer state, and one to spare


def build_step(comm: Communicator, task: Task, config: Config) -> TrainStep:
    """A step ready to be taken, from the model's initial values. Collective.

    Raises
    ------
    UsageError : ranks have different models, or are more than the shards, or share no memory though it was asked for
    """
    initial = task.model.init(config.run.seed, config.run.dtype)  # drawn from (seed, path), so equal on all ranks
    verify_replicas(describe(initial), comm, "tensor", remedy="Build the same model from one seed on every rank.")
    verify_replicas(_agreed(config), comm, "option", remedy="Give every rank the same options.")
    node = _node(comm, config, initial)
    place = find_place(comm, node, config.run.shards)
    store, parts = _store(task.model, initial, config, node, place)
    optimizer = optim.make(config.optim, store.values.size, config.run.dtype, once(node))
    comm.barrier()  # before anybody changes what another has yet to fill
    return TrainStep(
        task,
        store,
        optimizer,
        comm,
        node,
        place,
        parts,
        seed=config.run.seed,
        bucket_bytes=config.comm.bucket_bytes,
        clip_value=config.clip.value,
    )


@dataclass(frozen=True)
class Memory:
    """Bytes that the run's flat vectors take, and how many ranks of this node share the first two.

    Attributes
    ----------
    parameters, optimizer : once for ``sharers`` ranks
    gradients : of each rank, with what its shards are added up in
    """

    parameters: int
    optimizer: int
    gradients: int
    sharers: int

    def __str__(self) -> str:
        shared, own = self.parameters + self.optimizer, self.gradients
        if self.sharers == 1:
            return f"memory: parameters and optimizer state {_mb(shared)} a rank, gradients {_mb(own)} a rank"
        return (
            f"memory: parameters and optimizer state {_mb(shared)}, shared by the {self.sharers} ranks of a machine, "
            f"gradients {_mb(own)} a rank"
        )


def memory_of(step_of: TrainStep) -> Memory:
    """What a step's vectors take."""
    state = sum(vector.nbytes for vector in step_of.optimizer.state.values())
    return Memory(step_of.store.values.nbytes, state, step_of.accumulator.nbytes, step_of.node.size)


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def once(node: Node) -> Callable[[int, DTypeLike], Array]:
    """Makes vectors that exist once a node, and that all of its ranks see."""
    return lambda count, dtype: node.alloc(count if node.rank == 0 else 0, dtype)[0]


def fill(comm: Communicator, node: Node, write: Callable[[], None]) -> None:
    """Let one rank of each node write what the node shares; return when all have it. Collective."""
    if node.rank == 0:
        write()
    comm.barrier()


def _agreed(config: Config) -> dict[str, str]:
    """What decides which sums are made, of which rows: ranks that differ in it would hang, or add the wrong ones."""
    options = [option for option in tables.leaves(config) if option.startswith("comm.") and option != "comm.backend"]
    return {tables.option(name): repr(tables.lookup(config, name)) for name in (*options, "run.shards", "run.dtype")}


def _node(comm: Communicator, config: Config, initial: Mapping[str, Any]) -> Node:
    asked = config.comm.node_memory
    count = sum(np.size(value) for value in initial.values())
    rows = -(-max(config.run.shards, comm.size) // comm.size)
    shared_bytes = (_VECTORS + rows) * count * np.dtype(config.run.dtype).itemsize
    node = comm.split_nodes(shared_bytes if asked != "off" else -1)
    if asked == "on" and node.spec == "private" and comm.size > 1:
        raise UsageError(
            f"--comm.node-memory on: {node.why or f'the ranks of {comm.spec} share no memory'}",
            remedy="Make room, or give --comm.node-memory auto.",
        )
    return node


def _store(
    model: Module, initial: Mapping[str, Any], config: Config, node: Node, place: Place
) -> tuple[ParamStore, list[Array]]:
    """The values as flat vectors, and the gradient rows of all ranks of the node."""
    trained = {name: declaration.trained for name, declaration in model.declarations().items()}
    parameters = {name: value for name, value in initial.items() if trained[name]}
    count, dtype = sum(np.size(value) for value in parameters.values()), np.dtype(config.run.dtype)
    parts = alloc_rows(node, place, count, dtype)
    store = ParamStore(
        parameters,
        {name: value for name, value in initial.items() if not trained[name]},
        dtype,
        values=once(node)(count, dtype),
        grads=parts[node.rank][0],
        fill=node.rank == 0,
    )
    return store, parts
