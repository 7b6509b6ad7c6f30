"""Buffers of a user's own: one value for all shards, as declared, in every step and whoever computes the shards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nodes  # noqa: F401  a backend
import numpy as np
import pytest

from ddtrain import data, nn, ops
from ddtrain.autodiff import value_of
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import ReplicaError, UsageError
from ddtrain.parallel import make_shard_layout
from ddtrain.trainer.config.config import Comm, Run
from ddtrain.trainer.evaluation.evaluate import evaluate
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.model_buffers import ModelBuffers
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import Net, make_task, sgd_config, train
from worlds import World

SHARDS = 4
SAMPLES = 23  # in batches of 7: the last one of an epoch has 2, so that two of four shards are empty
DRAW = np.random.default_rng(0)
X, Y = DRAW.standard_normal((SAMPLES, 3)) * 10.0 ** DRAW.integers(-6, 6, (SAMPLES, 3)), DRAW.integers(0, 3, SAMPLES)


class Watch(nn.Module):
    """What a module may want to know of the samples that it has seen."""

    def __init__(self, mean: Any = "mean", seen: Any = "sum") -> None:
        self.mean = nn.buffer((3,), nn.init.zeros, reduce=mean)
        self.seen = nn.buffer((), nn.init.zeros, reduce=seen)
        self.calls = nn.buffer((), nn.init.zeros)

    def forward(self, x: Any) -> Any:
        if self.run.training:
            with np.errstate(all="ignore"):  # without samples, the mean of nothing
                new = 0.9 * self.mean + 0.1 * (value_of(x).sum(axis=0) / np.float64(len(x)))
            self.update(mean=new, seen=self.seen + len(x), calls=self.calls + 1)
        return x - self.mean


def task_of(watch: Any) -> Task:
    model = nn.Sequential(watch, nn.Linear(3, 3))
    loss = lambda model, x, y: (ops.cross_entropy(model(x), y), {})
    return Task(model, loss, data.ArrayData(X, Y), data.ArrayData(X, Y))


def tensors(spec: str, shards: int = SHARDS, task: Task | None = None, steps: int = 6) -> list[Mapping[str, Any]]:
    config = sgd_config(run=Run(dtype="float64", epochs=1000, shards=shards))
    return [found["tensors"] for found in World(spec).run(lambda comm: train(comm, steps, config, task))]


def test_any_number_of_ranks_ends_with_the_same_bits() -> None:
    (alone,) = tensors("local", task=task_of(Watch()))
    for spec in ("threads:2", "threads:3", "threads:4", "nodes:0101", "nodes:000"):
        for found in tensors(spec, task=task_of(Watch())):
            assert {name: x.tobytes() for name, x in found.items()} == {name: x.tobytes() for name, x in alone.items()}


@pytest.mark.parametrize("spec", ["local", "threads:2", "threads:3", "nodes:001"])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_means_weigh_samples_and_sums_add_what_is_new(spec: str, accumulate: int) -> None:
    """Against one rank that sees each batch whole, of which all shards' values are made."""
    config = sgd_config(run=Run(dtype="float64", epochs=1000, accumulate=accumulate))
    expected, seen = np.zeros(3), 0
    for rows in [*data.batches(0, 0, SAMPLES, 7), *data.batches(0, 1, SAMPLES, 7)][:6]:
        expected, seen = 0.9 * expected + 0.1 * X[rows].mean(axis=0), seen + len(rows)
    for found in World(spec).run(lambda comm: train(comm, 6, config, task_of(Watch()))):
        np.testing.assert_allclose(found["tensors"]["0.mean"], expected, rtol=1e-12)  # sums of 7 in another order
        assert found["tensors"]["0.seen"] == seen
        assert found["tensors"]["0.calls"] == 6


@pytest.mark.parametrize(
    ("spec", "shards", "said"),
    [
        ("threads:3", 0, "ranks 0, 1 and 2|ranks 1 and 2|rank [012]"),
        ("local", 3, r"rank 0 \(shards .*\)"),
        ("threads:2", 3, r"rank.*\(shards .*\)"),
        ("nodes:001", 0, "rank"),
    ],
)
def test_a_buffer_that_is_not_the_same_on_all_is_named_and_stops_the_run(spec: str, shards: int, said: str) -> None:
    with pytest.raises(ReplicaError, match=rf"buffer 0\.mean: ({said}).* left another value") as caught:
        tensors(spec, shards, task_of(Watch(mean="same")), steps=1)
    assert "reduce='mean'" in str(caught.value)


class Latest(nn.Module):
    """What each of some keys has seen last: a row a key."""

    def __init__(self, rows: int, same_row: bool = False) -> None:
        self.seen = nn.buffer((rows, 2, 3), nn.init.zeros, reduce="rows")
        self.count = nn.buffer((rows,), nn.init.zeros, reduce="rows")
        self.same_row, self.head = same_row, nn.Linear(3, 3)

    def forward(self, x: Any, keys: Any) -> Any:
        seen, count = self.seen.copy(), self.count.copy()
        seen[keys] = np.stack([value_of(x), 1 - value_of(x)], axis=1)
        count[0 if self.same_row else keys] += 1
        self.update(seen=seen, count=count)
        return self.head(x)


def task_of_rows(latest: Latest, dtype: Any = np.float64) -> Task:
    """Batches of 7 samples, each with a key of its own within its batch, of as many keys as there are samples."""
    loss = lambda model, x, y, keys: ops.cross_entropy(model(x, keys), y)
    return Task(latest, loss, data.ArrayData(X.astype(dtype), Y, np.arange(SAMPLES)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("spec", "accumulate"), [("local", 1), ("local", 3), ("threads:3", 1), ("nodes:001", 2)])
def test_each_row_is_what_its_shard_has_left_to_the_bit(spec: str, accumulate: int, dtype: Any) -> None:
    """After three batches of four; values over twelve orders of magnitude, which old + (new - old) would round."""
    config = sgd_config(run=Run(dtype=dtype, epochs=1000, accumulate=accumulate))
    batches = data.batches(0, 0, SAMPLES, 7)[:3]
    for found in World(spec).run(lambda comm: train(comm, 3, config, task_of_rows(Latest(SAMPLES), dtype))):
        expected = np.zeros((SAMPLES, 2, 3), dtype)
        for rows in batches:
            expected[rows] = np.stack([X[rows].astype(dtype), 1 - X[rows].astype(dtype)], axis=1)
        np.testing.assert_array_equal(found["tensors"]["seen"], expected)
        assert found["tensors"]["count"].sum() == 21
        assert found["tensors"]["count"][np.concatenate(batches)].all()


def test_a_row_that_a_shard_leaves_as_it_was_is_the_others() -> None:
    """What was there before is no change, not a number either, and zeros are values as any other."""
    comm, declared = LocalCommunicator(), {"a": nn.buffer((3, 2), nn.init.zeros, reduce="rows")}
    old = {"a": np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 6.0]])}
    buffers = ModelBuffers(declared, old, make_shard_layout(comm, comm.split_nodes(), 3), comm)
    left = [
        {"a": np.array([[0.0, 0.0], [3.0, np.nan], [5.0, 6.0]])},
        {},
        {"a": np.array([[1.0, 2.0], [3.0, np.nan], [5.0, np.inf]])},
    ]
    total = np.sum([buffers.contribution(each, 0, 1) for each in left], axis=0)
    np.testing.assert_array_equal(buffers.reduced(total, left, 0, 3)["a"], [[0, 0], [3, np.nan], [5, np.inf]])


@pytest.mark.parametrize("spec", ["threads:2", "nodes:001"])
def test_a_row_that_several_shards_have_changed_is_named(spec: str) -> None:
    with pytest.raises(ReplicaError, match=r"buffer count: several shards have changed row 0"):
        tensors(spec, 0, task_of_rows(Latest(SAMPLES, same_row=True)), steps=1)


class Odd(nn.Module):
    """Leaves another value, or none, in one shard."""

    def __init__(self, shard: int, skips: bool) -> None:
        self.first, self.second = (nn.buffer((2,), nn.init.zeros) for _ in range(2))
        self.shard, self.skips = shard, skips

    def forward(self, x: Any) -> Any:
        comm = ops.communicator()
        odd = comm is not None and comm.rank == self.shard
        self.update(first=self.first + 1)
        if not (odd and self.skips):
            self.update(second=self.second + np.array([1.0, 1.0 + 1e-15 * odd]))
        return x


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("odd", [0, 2])
def test_the_odd_rank_is_named(odd: int, skips: bool) -> None:
    with pytest.raises(ReplicaError, match=rf"buffer 0\.second: rank {odd} left another value"):
        tensors("threads:3", 0, task_of(Odd(odd, skips)), steps=1)


def test_one_shard_has_nobody_to_agree_with() -> None:
    (found,) = tensors("local", 1, task_of(Watch(mean="same", seen="same")))
    assert found["0.seen"] == 7 + 7 + 7 + 2 + 7 + 7


@pytest.mark.parametrize("mode", ["local", "diloco", "stale"])
@pytest.mark.parametrize("sync", [True, False])
def test_every_rank_has_the_run_s_running_statistics_at_any_time(mode: Any, sync: bool) -> None:
    """Between two meetings, too; and an evaluation, which shows the mean of the nodes, leaves them alone."""
    config = sgd_config(comm=Comm(mode=mode, sync_every=3))

    def body(comm: Communicator) -> list[bytes]:
        task = make_task(Net(sync=sync))
        train_step = build_step(comm, task, config)
        mode, seen = make_mode(train_step, config.comm), []
        coordinator = Coordinator(config, comm, 4)
        for step in range(4):
            totals = mode.gradients(step, np.arange(7 - 5 * (step == 3)))
            mode.apply(coordinator.decide(step, totals, mode.square_norm()))
            before = train_step.store.state.tobytes()
            with mode.consolidated():
                assert np.isfinite(evaluate(task, train_step.store, comm, train_step.shards).figures["loss"])
                assert train_step.store.state.tobytes() == before
            seen.append(before)
        return seen

    first, *others = World("nodes:001").run(body)
    assert len(set(first)) == 4
    assert all(other == first for other in others)


def test_unsynchronised_statistics_are_the_mean_over_samples() -> None:
    """Of batches of 7 on three ranks, 2 + 2 + 3: each with its own mean, so that all of them make the batch's."""
    config = sgd_config(run=Run(dtype="float64", epochs=1000))
    norm = lambda sync: Task(
        nn.Sequential(nn.BatchNorm(3, sync=sync), nn.Linear(3, 3)),
        task_of(Watch()).loss,
        data.ArrayData(X, Y),
    )
    own = World("threads:3").run(lambda comm: train(comm, 4, config, norm(False)))
    together = World("threads:3").run(lambda comm: train(comm, 4, config, norm(True)))
    for a, b in zip(own, together, strict=True):
        np.testing.assert_allclose(a["tensors"]["0.running_mean"], b["tensors"]["0.running_mean"], rtol=1e-12)
        assert a["tensors"]["0.num_batches_tracked"] == b["tensors"]["0.num_batches_tracked"] == 4


def test_a_rule_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"buffer: reduce='avg' is not a rule\n +Give one of same, mean, sum, rows\."):
        nn.buffer((), nn.init.zeros, reduce="avg")  # type: ignore[arg-type]


def test_a_single_number_has_no_rows() -> None:
    with pytest.raises(UsageError, match=r"buffer: reduce='rows' of shape \(\), which has no rows"):
        nn.buffer((), nn.init.zeros, reduce="rows")
