"""Hooks and modes where a node is more than a rank: threads that share memory by groups, each against a run in which
one rank does a node's whole work, in as many pieces; and four processes that MPICH takes for two machines."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import nodes
import numpy as np
import pytest

from ddtrain import data, nn
from ddtrain.comm import Communicator
from ddtrain.comm.backends.threads import ThreadCommunicator
from ddtrain.parallel import HOOKS, Reducer
from ddtrain.parallel.buckets import Bucket, make_buckets
from ddtrain.trainer.checkpoint.contents import decode
from ddtrain.trainer.config.config import Clip, Comm, Config, Optim, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step import setup
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import build_step
from helpers import CLASSES, FEATURES, launch, make_task, sgd_config
from worlds import World

STEPS = 4  # the last batch of the epoch has 2 samples: fewer than ranks
KINDS: dict[str, dict[str, Any]] = {
    **{hook: {"hook": hook, "topk_fraction": 0.2, "powersgd_rank": 1} for hook in HOOKS},
    "local": {"mode": "local", "sync_every": 2},
    "diloco": {"mode": "diloco", "sync_every": 2},
    "stale": {"mode": "stale"},
    "divided": {"sharded_optimizer": True},
}
EVEN = {  # topology -> nodes, ranks a node
    "nodes:0011": (2, 2),
    "nodes:0101": (2, 2),
    "nodes:000111": (2, 3),
    "nodes:0011223344": (5, 2),  # of five, the tree is not the order of nodes
}


class Layers(nn.Module):
    """Layers of less than a cell and one of several, with and without batch-norm, whose sums make ranks wait."""

    def __init__(self, norm: bool) -> None:
        widths = [FEATURES, 4, 3, 20, CLASSES]
        self.layers = [nn.Linear(n, m) for n, m in pairwise(widths)]
        self.norms = [nn.BatchNorm(m) for m in widths[1:-1]] if norm else [lambda x: x] * 3

    def forward(self, x: Any) -> Any:
        for layer, norm in zip(self.layers[:-1], self.norms, strict=True):
            x = nn.functional.tanh(norm(layer(x)))
        return self.layers[-1](x)


def outcome(comm: Communicator, config: Config, norm: bool) -> bytes:
    """The bits of what a run shows in the end, and of what it remembers, or owes, to come to the same next time."""
    task = make_task(Layers(norm))
    train_step = build_step(comm, task, config)
    mode, samples, size = make_mode(train_step, config.comm), len(task.train), config.data.batch_size
    coordinator = Coordinator(config, comm, data.steps_per_epoch(samples, size))
    for step in range(STEPS):
        epoch, offset = data.position(step, samples, size)
        totals = mode.gradients(step, data.batches(config.run.seed, epoch, samples, size)[offset])
        mode.apply(coordinator.decide(step, totals, mode.square_norm()))
    with mode.consolidated():
        return train_step.store.values.tobytes() + train_step.store.state.tobytes()


def config(kind: str, bucket_bytes: int, pieces: int = 1) -> Config:
    return sgd_config(
        optim=Optim(name="sgd", lr=0.05, momentum=0.9),
        clip=Clip(norm=0.0),  # the norm of local and diloco is a mean over ranks, which rounds otherwise than of nodes
        comm=Comm(bucket_bytes=bucket_bytes, **KINDS[kind]),
        run=Run(dtype="float64", epochs=1000, accumulate=pieces),
    )


@cache
def by_one_rank_a_node(nodes: int, ranks: int, kind: str, bucket_bytes: int, norm: bool) -> bytes:
    """The same run where each node is a rank that takes its node's shards one after another.

    A hook's figures depend on where pieces begin, and a node's ranks share each bucket: here every share is a bucket.
    """
    buckets_of = setup.make_buckets

    def shares(*args: Any) -> list[Bucket]:
        found: list[Bucket] = []
        for bucket in make_buckets(*args):
            cells = [bucket.share(rank, ranks) for rank in range(ranks)]
            for k, share in enumerate(share for share in cells if share):
                span = slice(share[0].start, share[-1].stop)
                found.append(Bucket(len(found), span, bucket.members if k == 0 else (), share))
        return found

    setup.make_buckets = shares
    try:
        run = lambda comm: outcome(comm, config(kind, bucket_bytes, ranks), norm)
        (bits,) = set(World(f"threads:{nodes}").run(run))
        return bits
    finally:
        setup.make_buckets = buckets_of


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("spec", "bucket_bytes", "norm"),
    [*((spec, 1, False) for spec in EVEN), *((spec, 1 << 20, True) for spec in list(EVEN)[:3])],
    ids=str,
)
def test_a_node_of_several_ranks_is_one_rank_that_takes_their_shards(
    spec: str, bucket_bytes: int, norm: bool, kind: str
) -> None:
    found = World(spec).run(lambda comm: outcome(comm, config(kind, bucket_bytes), norm))
    assert set(found) == {by_one_rank_a_node(*EVEN[spec], kind, bucket_bytes, norm)}


@pytest.mark.parametrize("bucket_bytes", [1, 300, 1 << 20])
@pytest.mark.parametrize("spec", ["nodes:0001", "nodes:00112", "nodes:01234"])
def test_uneven_nodes_divide_the_optimizer_without_changing_a_bit(spec: str, bucket_bytes: int) -> None:
    runs = (
        (lambda comm: outcome(comm, config("exact", 1 << 20), False)),
        (lambda comm: outcome(comm, config("divided", bucket_bytes), False)),
    )
    whole, divided = (set(World(spec).run(run)) for run in runs)
    assert len(whole) == 1
    assert divided == whole


@pytest.mark.parametrize("kind", [hook for hook in HOOKS if hook != "exact"])
def test_on_uneven_nodes_what_was_applied_and_what_is_owed_is_all_there_was(kind: str) -> None:
    """Of four ranks three share memory; only the first of them speaks to the other node."""

    def body(comm: Communicator) -> tuple[Any, Any, Any]:
        train_step = build_step(comm, make_task(Layers(norm=False)), config(kind, 300))
        reducer, grads = train_step.reducer, train_step.store.grads
        draw, applied, given = np.random.default_rng(comm.rank), np.zeros(grads.size), np.zeros(grads.size)
        for _ in range(3):
            grads[...] = draw.standard_normal(grads.size)
            given += grads
            sum_once(reducer, range(len(train_step.store.names)))
            for span in reducer.spans:
                applied[span] += grads[span]
            reducer.square_norm()  # all of the node have summed, and rows may be written again
        return applied, given, reducer.hook.unsent()

    found = World("nodes:0001").run(body)
    owed, given = sum(owed for _, _, owed in found), sum(given for _, given, _ in found)
    np.testing.assert_allclose(found[0][0] + owed, given, rtol=0, atol=1e-12)  # a dozen roundings of numbers near 1
    assert found[0][0].tobytes() == found[3][0].tobytes()
    assert owed.any()


def sum_once(reducer: Reducer, parameters: Any) -> None:
    reducer.start()
    for i in parameters:
        reducer.ready(i)
    reducer.finish()


@pytest.mark.parametrize("kind", KINDS)
def test_once_built_a_step_makes_no_channel_and_no_memory(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is collective: a rank that does it in the midst of a step waits for one that may be waiting for it."""
    built = False

    def refused(made: Any) -> Any:
        def call(*args: Any) -> Any:
            assert not built, f"{made.__qualname__} in the midst of a step"
            return made(*args)

        return call

    monkeypatch.setattr(ThreadCommunicator, "duplicate", refused(ThreadCommunicator.duplicate))
    monkeypatch.setattr(nodes.ThreadNode, "alloc", refused(nodes.ThreadNode.alloc))
    monkeypatch.setattr(nodes.Rank, "split_nodes", refused(nodes.Rank.split_nodes))

    def body(comm: Communicator) -> None:
        nonlocal built
        train_step = build_step(comm, make_task(Layers(norm=True)), config(kind, 1))
        mode = make_mode(train_step, config(kind, 1).comm)
        comm.barrier()
        built = True
        coordinator = Coordinator(config(kind, 1), train_step.control_comm, 4)
        for step in range(2):
            totals = mode.gradients(step, np.arange(7))
            mode.apply(coordinator.decide(step, totals, mode.square_norm()))

    for spec in ("nodes:0011", "nodes:000"):
        built = False
        World(spec).run(body)


pytest.importorskip("mpi4py")
TWO_NODES = {"MPIR_CVAR_NUM_CLIQUES": "2"}  # of MPICH: every other rank is said to live elsewhere


def train(directory: Path, *options: str) -> tuple[str, dict[str, int], dict[str, int]]:
    """Hash of the parameters, bytes sent, and bytes of memory."""
    done = launch(4, "--run.dir", str(directory), *options, cwd=directory.parent, **TWO_NODES)
    assert done.returncode == 0, done.stderr
    summary = json.loads((directory / "summary.json").read_text())
    if summary["memory_bytes"]["sharers"] != 2:
        pytest.skip("this MPI library does not pretend to have two nodes")
    return summary["params_sha256"], summary["gradient_bytes"], summary["memory_bytes"]


def test_a_divided_optimizer_over_two_nodes_gives_the_same_bits_with_less_memory(tmp_path: Path) -> None:
    whole, sent, memory = train(tmp_path / "whole")
    divided, sent_divided, memory_divided = train(tmp_path / "divided", "--comm.sharded-optimizer")
    assert divided == whole
    assert memory_divided["optimizer"] < memory["optimizer"]
    assert sent_divided["exact"] == sent["exact"]


@pytest.mark.parametrize(
    "options",
    [("--comm.hook", "powersgd", "--comm.powersgd-rank", "1"), ("--comm.mode", "diloco", "--comm.sync-every", "4")],
    ids=lambda options: options[1],
)
def test_stopped_and_resumed_over_two_nodes(tmp_path: Path, options: tuple[str, ...]) -> None:
    straight, _, _ = train(tmp_path / "straight", *options)
    train(tmp_path / "cut", *options, "--run.steps", "6")
    memory = decode(tmp_path / "cut" / "checkpoints" / "step-00000006").memory
    assert {name.partition("/")[0] for name in memory} == {"0", "1", "2", "3"}
    assert train(tmp_path / "cut", *options, "--run.resume", "auto")[0] == straight
