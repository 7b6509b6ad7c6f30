"""Builds one rank's replica: its vectors, its shards, and its training step.

Parameters and optimizer state exist once a node: its ranks see the same memory, each updates its own share of it, and
all see the new values (Note [Node reduction] in ``parallel/bucket_sum.py``). Gradients exist once a rank, in memory
that the node reads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import data, optim
from ddtrain.comm.protocol import Array, Communicator, Node
from ddtrain.errors import UsageError, quoted
from ddtrain.nn import Module
from ddtrain.nn.reinitialize import parse_rules, reinitialized
from ddtrain.nn.state_dict import initial as initial_values
from ddtrain.parallel import (
    Reducer,
    ShardLayout,
    alloc_rows,
    make_buckets,
    make_hook,
    make_shard_layout,
    verify_replicas,
)
from ddtrain.parallel.hooks import NoopHook
from ddtrain.parallel.layer_norms import LayerNorms
from ddtrain.parallel.node_counters import LAYER_NORMS
from ddtrain.parallel.replica_check import describe
from ddtrain.param_store import ParamStore
from ddtrain.trainer.config.config import Comm, Config
from ddtrain.trainer.config.same_options import verify_options
from ddtrain.trainer.step.gradient_buffer import GradientBuffer
from ddtrain.trainer.step.method_checks import check_model, check_same_samples, check_size
from ddtrain.trainer.step.passes import ShardPasses
from ddtrain.trainer.step.sharded_optimizer import ShardedOptimizer
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.task import Task

# Most vectors of the parameters' length that a node holds once: the values, three of AMSGrad's state, and an average.
_VECTORS = 5


def build_step(comm: Communicator, task: Task, config: Config) -> TrainStep:
    """Build a training step with the model's initial values. Collective.

    Raises
    ------
    UsageError : ranks have different models, or outnumber the shards, or cannot share memory although they must; an
        average of weights would begin after the run's end; the optimizer refuses the model, its size or the batches;
        the batch size is not the number of the data's streams
    """
    _check_batch(config, task.train)
    # drawn by (seed, path), so all ranks have the same values
    drawn = drawn_values(task.model, config)
    # also checks the values, because a model may override init
    initial = initial_values(task.model, drawn, config.run.dtype)
    verify_replicas(describe(initial), comm, "tensor", remedy="Build the same model from one seed on every rank.")
    verify_options(config, comm, of_sums=True)
    node = _node(comm, config, initial)
    layout = make_shard_layout(comm, node, config.run.shards, config.run.accumulate)
    groups = optim.groups.assign(config.optim, trainable(task.model), task.groups)
    trained = [path for path, group in groups.items() if not group.frozen]
    if isinstance(config.optim, optim.BatchMethod):
        check_size(config.optim, sum(np.size(initial[path]) for path in trained), config, comm, node)
    store, parts = _store(trained, initial, config, node, layout)
    pieces = optim.groups.segments([groups[path] for path in store.names], store.spans)
    make_gradient_buffer = _gradient_buffer_maker(comm, config, node, layout, store, parts)
    reducer = make_gradient_buffer(0).reducer
    norms: LayerNorms | None = None
    if isinstance(config.optim, optim.LayerwiseOptim):
        norms = LayerNorms(reducer.buckets, reducer.shares, store.spans, node, LAYER_NORMS)
    average = config.average.laid_over(planned_steps(task, config))
    if config.comm.sharded_optimizer:
        optimizer: optim.Optimizer = ShardedOptimizer(
            config.optim, reducer.spans, config.run.dtype, pieces, norms, average
        )
    else:
        optimizer = optim.make(
            config.optim, store.values.size, config.run.dtype, shared_allocator(node), pieces, norms, average
        )
    # Making the step makes a reducer, which waits for all ranks of the node: none goes on before the values are there.
    train_step = TrainStep(
        task,
        store,
        optimizer,
        comm,
        node,
        layout,
        make_gradient_buffer,
        seed=config.run.seed,
        batch_size=config.data.batch_size,
        clip_value=config.clip.value,
        skips=config.nonfinite.action == "skip",
        passes=make_passes(task, store, config, node),
    )
    if isinstance(config.optim, optim.BatchMethod):
        check_model(train_step, config.optim)
    return train_step


def make_passes(task: Task, store: ParamStore, config: Config, node: Node) -> ShardPasses:
    """The passes of a run's steps, or of its evaluations, by plans as ``--plan`` has them."""
    roots = {"loss": task.loss, "model": task.model}
    return ShardPasses(store, **vars(config.plan), roots=roots, sharers=node.size)


def _gradient_buffer_maker(
    comm: Communicator, config: Config, node: Node, layout: ShardLayout, store: ParamStore, parts: list[Array]
) -> Callable[[int], GradientBuffer]:
    """A function that makes gradient buffer number k, once each; the first has the rows ``parts``, others new rows."""
    parameters = store.spans, [view.shape for view in store.value_views]
    buckets = make_buckets(store.spans, store.dtype.itemsize, config.comm.bucket_bytes)
    apart = config.comm.mode in ("local", "diloco")
    hook = NoopHook() if apart else make_hook(config.comm, store.values.size, store.dtype)

    @functools.cache
    def make_gradient_buffer(number: int) -> GradientBuffer:
        rows = parts if number == 0 else alloc_rows(node, layout, store.values.size, store.dtype)
        divided = config.comm.sharded_optimizer
        reducer = Reducer(rows, buckets, node, layout, comm.progress, hook, parameters, divided, number)
        return GradientBuffer(store, rows[node.rank], layout, reducer)

    return make_gradient_buffer


@dataclass(frozen=True)
class MemoryUse:
    """Bytes that the run's flat vectors take, and how many ranks of this node share the first two.

    Attributes
    ----------
    parameters, optimizer : bytes that ``sharers`` ranks share, unless ``private``
    gradients : bytes of each rank, with the vectors in which its shards are added up
    private : whether each rank has the optimizer's bytes for itself, as with methods of the whole batch
    """

    parameters: int
    optimizer: int
    gradients: int
    sharers: int
    private: bool = False

    def __str__(self) -> str:
        shared, own = self.parameters + self.optimizer, self.gradients
        if self.sharers == 1:
            return f"memory: parameters and optimizer state {_mb(shared)} a rank, gradients {_mb(own)} a rank"
        if self.private:
            return (
                f"memory: parameters {_mb(self.parameters)}, shared by the {self.sharers} ranks of a machine, "
                f"optimizer state {_mb(self.optimizer)} a rank, gradients {_mb(own)} a rank"
            )
        return (
            f"memory: parameters and optimizer state {_mb(shared)}, shared by the {self.sharers} ranks of a machine, "
            f"gradients {_mb(own)} a rank"
        )


def memory_use(train_step: TrainStep, gradient_buffers: Sequence[GradientBuffer] = ()) -> MemoryUse:
    """The memory of a step's vectors. Collective.

    Parameters
    ----------
    gradient_buffers : all gradient buffers of the run; by default the step's alone
    """
    node, state = train_step.node, sum(vector.nbytes for vector in train_step.optimizer.state.values())
    if isinstance(train_step.optimizer, ShardedOptimizer):  # the ranks of a node have different shares, so add them up
        shares = train_step.comm.exchange_objects([node.index, state])
        state = sum(nbytes for index, nbytes in shares if index == node.index)
    gradients = sum(gradient_buffer.nbytes for gradient_buffer in gradient_buffers or [train_step.gradient_buffer])
    private = isinstance(train_step.optimizer, optim.BatchOptimizer)
    return MemoryUse(train_step.store.values.nbytes, state, gradients, node.size, private)


def idle_options(train_step: TrainStep, config: Comm) -> str:
    """A line about options for the exchange between nodes that have no effect here; empty if there are none."""
    given = [f"--comm.hook {config.hook}"] if config.hook != "exact" else []
    given += [f"--comm.mode {config.mode}"] if config.mode in ("local", "diloco") else []
    given += ["--comm.sharded-optimizer"] if config.sharded_optimizer else []
    if len(train_step.node.sizes) > 1 or not given:
        return ""
    return f"{', '.join(given)}: all ranks share one memory, so that nothing is sent between nodes"


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB"


def shared_allocator(node: Node) -> Callable[[int, DTypeLike], Array]:
    """A function that makes vectors in memory shared by the node's ranks."""
    return lambda count, dtype: node.alloc(count if node.rank == 0 else 0, dtype)[0]


def write_once_per_node(comm: Communicator, node: Node, write: Callable[[], None]) -> None:
    """Let one rank of each node write the shared values; return when all ranks see them. Collective."""
    if node.rank == 0:
        write()
    comm.barrier()


def _node(comm: Communicator, config: Config, initial: Mapping[str, Any]) -> Node:
    asked = config.comm.node_memory
    count = sum(np.size(value) for value in initial.values())
    rows = -(-max(config.run.shards, comm.size) // comm.size) * (2 if config.comm.mode == "stale" else 1)
    nbytes = count * np.dtype(config.run.dtype).itemsize
    node = comm.split_nodes(rows * nbytes if asked != "off" else -1, _VECTORS * nbytes)
    if asked == "on" and node.spec == "private" and comm.size > 1:
        raise UsageError(
            f"--comm.node-memory on: {node.why_not_shared or f'the ranks of {comm.spec} share no memory'}",
            remedy="Make room, or give --comm.node-memory auto.",
        )
    return node


def _check_batch(config: Config, train: data.Dataset) -> None:
    """Refuse batches that a method cannot work with, and those that have not one sample of each stream."""
    formula, samples = config.optim, len(train)
    if isinstance(train, data.Streams) and train.streams != config.data.batch_size:
        raise UsageError(
            f"--data.batch-size {config.data.batch_size}, but the training data has {train.streams:,} streams, each "
            "with one sample in a batch",
            remedy=f"Give --data.batch-size {train.streams}, or make as many streams.",
        )
    if isinstance(formula, optim.BatchMethod):
        check_same_samples(formula, train, config)
    most = min(config.data.batch_size, samples)
    if isinstance(formula, optim.CurvatureMethod) and formula.curvature_samples > most:
        raise UsageError(
            f"--optim.curvature-samples {formula.curvature_samples} is more than the {most:,} samples of a batch",
            remedy=f"Give at most {most}, or 0 for all of them.",
        )


def drawn_values(model: Module, config: Config) -> dict[str, Any]:
    """The model's initial values: as it declares them, or by the rules of ``--init.weights``."""
    rules, run = config.init.weights, config.run
    if not rules:
        return model.init(run.seed, run.dtype)
    parsed = parse_rules(rules)
    try:
        return reinitialized(model, parsed, run.seed, run.dtype)
    except UsageError as error:
        said = error.message.removeprefix(f"init {quoted(rules)}: ").removeprefix("init: ").removeprefix("init ")
        raise UsageError(f"--init.weights {quoted(rules)}: {said}", remedy=error.remedy, **error.place) from None


def planned_steps(task: Task, config: Config) -> int:
    """The steps of all epochs, whether or not ``--run.steps`` cuts the run short."""
    return config.run.epochs * data.steps_per_epoch(len(task.train), config.data.batch_size)


def trainable(model: Module) -> list[str]:
    """The paths of a model's parameters, in order of declaration: what can be trained."""
    return [path for path, declaration in model.declarations().items() if declaration.trained]


def _store(
    trained: Sequence[str], initial: Mapping[str, Any], config: Config, node: Node, layout: ShardLayout
) -> tuple[ParamStore, list[Array]]:
    """The values as flat vectors, and the gradient rows of all ranks of the node.

    Parameters
    ----------
    trained : parameters that have a gradient; a frozen one lies with the buffers
    """
    parameters = {path: initial[path] for path in trained}
    count, dtype = sum(np.size(value) for value in parameters.values()), np.dtype(config.run.dtype)
    parts = alloc_rows(node, layout, count, dtype)
    store = ParamStore(
        parameters,
        {path: value for path, value in initial.items() if path not in parameters},
        dtype,
        values=shared_allocator(node)(count, dtype),
        grads=parts[node.rank][0],
        fill=node.rank == 0,
    )
    return store, parts
