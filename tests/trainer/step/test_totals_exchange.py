"""What forward passes leave, summed over shards: whoever has them, in whatever order of metrics, once all are there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import ReplicaError
from ddtrain.parallel import TotalsReducer, make_shard_layout
from ddtrain.parallel.node_counters import TOTALS
from ddtrain.trainer.step.loss_output import LossOutput
from ddtrain.trainer.step.model_buffers import ModelBuffers
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.step.totals_exchange import TotalsExchange
from worlds import World

SHARDS = 5
DECLARATIONS = {
    "mean": nn.buffer((2,), nn.init.zeros, reduce="mean"),
    "same": nn.buffer((), nn.init.zeros),
    "sum": nn.buffer((), nn.init.zeros, reduce="sum"),
}
STATE = {"mean": np.array([10.0, 20.0]), "same": np.array(3.0), "sum": np.array(100.0)}


def make(comm: Any, state: dict[str, Any], shards: int = SHARDS, reverse: bool = False) -> tuple[TotalsExchange, Any]:
    """The exchange of one rank, and its layout; a rank may have the metrics in the reverse order."""
    node = comm.split_nodes(1 << 20)
    layout = make_shard_layout(comm, node, shards)
    output = LossOutput(lambda: None)
    metrics = {"a": np.ones(1), "b": np.ones(1)}
    output.read((np.ones(1), dict(reversed(metrics.items())) if reverse else metrics), 1)
    reducer = TotalsReducer(comm.duplicate(), node, layout, TOTALS)
    buffers = ModelBuffers({name: DECLARATIONS[name] for name in state}, state, layout, comm)
    return TotalsExchange(comm, layout, reducer, output, buffers), layout


def totals_of(shard: int) -> Totals:
    """Shard k has k samples: the first has none."""
    totals = Totals(stop_votes=shard == 2)
    totals.add(np.full(shard, 10.0**shard), {"a": np.full(shard, 1.0), "b": np.full(shard, 2.0)})
    return totals


@pytest.mark.parametrize("spec", ["local", "threads:2", "threads:3", "nodes:000", "nodes:001", "threads:5"])
def test_every_rank_has_the_totals_of_all_shards(spec: str) -> None:
    def body(comm: Any) -> list[tuple[Any, ...]]:
        exchange, layout = make(comm, {}, reverse=comm.rank == 1)
        found = []
        for step in range(3):
            exchange.begin(step)
            lasts = [exchange.add(totals_of(shard), {}) for shard in layout.shards]
            assert lasts == [*[False] * (len(lasts) - 1), True], "the last of this rank's is known"
            exchange.start()
            totals, updates = exchange.wait()
            found.append((totals.loss_sum, totals.count, totals.stop_votes, totals.sums, updates))
        return found

    for found in World(spec).run(body):
        for loss_sum, count, votes, sums, updates in found:
            assert (loss_sum, count, votes) == (43210.0, 10, 1)
            assert sums == {"a": 10.0, "b": 20.0}
            assert updates == {}


def test_the_totals_of_a_single_shard_are_as_if_they_had_been_sent() -> None:
    names = ("b", "a")  # the loss function gave them in this order first, and gives them in another now

    def body(comm: Any) -> Totals:
        exchange, _ = make(comm, {}, shards=1, reverse=True)
        exchange.begin(0)
        assert exchange.add(totals_of(3), {})
        exchange.start()
        return exchange.wait()[0]

    (found,) = World("local").run(body)
    sent = Totals.unpack(totals_of(3).pack(names), names)
    assert vars(found) == vars(sent)
    assert list(found.sums) == list(sent.sums) == ["b", "a"]


@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:001"])
def test_buffers_become_one_value_by_their_rules(spec: str) -> None:
    def body(comm: Any) -> dict[str, Any]:
        exchange, layout = make(comm, STATE)
        exchange.begin(0)
        for shard in layout.shards:
            left = {"mean": np.array([shard, -shard]), "same": 4.0, "sum": 100.0 + shard}
            exchange.add(totals_of(shard), left)
        exchange.start()
        return exchange.wait()[1]

    for found in World(spec).run(body):
        assert found["same"] == 4.0
        assert found["sum"] == 110.0, "what each shard has added, added"
        np.testing.assert_allclose(found["mean"], [3.0, -3.0], rtol=1e-15)  # (0 + 1 + 4 + 9 + 16) / 10, by samples


def test_a_value_that_differs_between_shards_is_named() -> None:
    def body(comm: Any) -> None:
        exchange, layout = make(comm, {"same": STATE["same"]})
        exchange.begin(0)
        for shard in layout.shards:
            exchange.add(totals_of(shard), {"same": 4.0 + (shard == 3)})
        exchange.start()
        exchange.wait()

    with pytest.raises(ReplicaError, match=r"buffer same: .*\(shards 3\) left another value"):
        World("threads:2").run(body)


def test_a_single_shards_buffers_are_taken_as_they_are() -> None:
    def body(comm: Any) -> dict[str, Any]:
        exchange, _ = make(comm, STATE, shards=1)
        exchange.begin(0)
        exchange.add(totals_of(3), {"mean": np.array([1.0, 2.0])})
        exchange.start()
        return exchange.wait()[1]

    (found,) = World("local").run(body)
    assert list(found) == ["mean"]
    np.testing.assert_array_equal(found["mean"], [1.0, 2.0])
