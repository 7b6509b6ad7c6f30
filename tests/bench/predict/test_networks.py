"""Networks by name and by number, and what nodes send over them."""

from __future__ import annotations

import pytest

from ddtrain.bench.predict import networks
from ddtrain.bench.predict.networks import MESSAGES, NETWORKS, ONE_NODE, Fabric
from ddtrain.comm.backends.link_model import Network, Operation, Traffic
from ddtrain.errors import UsageError


@pytest.mark.parametrize("operation", ["sum", "broadcast", "allgather", "reduce_scatter", "barrier"])
@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_without_nodes_and_gaps_it_is_the_network_that_the_wire_emulates(operation: Operation, ranks: int) -> None:
    fabric, wire = Fabric(50e-6, 1.25e9), Network(50e-6, 1.25e9)
    for nbytes in (4, 100_000, 50_000_000):
        assert fabric.traffic(operation, nbytes, ranks) == wire.traffic(operation, nbytes, ranks)


def test_nodes_stand_for_their_ranks() -> None:
    flat, nodes = Fabric(1e-6, 1e9), Fabric(1e-6, 1e9, ranks_per_node=4)
    assert nodes.traffic("sum", 1000, 8) == flat.traffic("sum", 1000, 2), "a slice of each rank, one link for all"
    assert nodes.traffic("allgather", 10, 8) == Traffic(1, 40.0), "the parts of four ranks to the other node"
    assert nodes.traffic("sum", 1000, 4) == Traffic(0, 0)
    assert [nodes.nodes(ranks) for ranks in (1, 4, 5, 8)] == [1, 1, 2, 2]


def test_gaps_make_trees_cheaper_among_many() -> None:
    """1024 nodes, one byte: 1023 messages at 1 s, or ten rounds of ten seconds with ten messages."""
    fabric = Fabric(10.0, 1.0, gap_s=1.0)
    assert fabric.traffic("sum", 1, 1024) == Traffic(10, 10 * 1 + 10 * 1.0)
    assert fabric.traffic("sum", 1, 2) == Traffic(1, 1 + 1.0)
    large = fabric.traffic("sum", 10**6, 1024)  # halving and doubling: 2 (M - 1) / M n bytes in 20 rounds
    assert large == Traffic(20, 2 * 1023 / 1024 * 10**6 + 20)


def test_without_a_link_nothing_takes_time() -> None:
    assert ONE_NODE.seconds("sum", 10**9, 4096) == 0
    assert MESSAGES.seconds("sum", 10**9, 4096) == 0


def test_every_named_network_is_found_and_slower_ones_are_slower() -> None:
    seconds = {name: networks.parse(name).seconds("sum", 10**6, 2) for name in NETWORKS}
    order = ["1gbe", "10gbe", "25gbe", "100gbe", "hdr"]
    assert sorted(order, key=lambda name: -seconds[name]) == order
    assert networks.parse("node") is ONE_NODE


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("10gb", "unknown network '10gb'"),
        ("10Gbe", "unknown network '10Gbe'"),
        ("50", "unknown network '50'"),
        ("", "unknown network ''"),
        ("50,10,2,3", "unknown network"),
        ("50,x", "'x' is not a number, 0 or more"),
        ("50,-1", "'-1' is not a number"),
        ("50,nan", "'nan' is not a number"),
        ("50,0", "a bandwidth of 0"),
        ("50,10,0", "'0' ranks a node"),
        ("hdr,x", "'x' ranks a node"),
    ],
)
def test_what_is_no_network_is_one_error_with_the_list(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as raised:
        networks.parse(text)
    assert complaint in raised.value.message
    if "unknown" in complaint:
        assert "1gbe, 10gbe, 25gbe, 100gbe, hdr, loopback" in raised.value.remedy
