"""The price of a collective, against sums done by hand."""

from __future__ import annotations

import pytest

from ddtrain.comm.backends.link_model import Network, Operation, Traffic

SLOW = Network(latency_s=1.0, bytes_per_s=100.0)


@pytest.mark.parametrize(
    ("operation", "nbytes", "ranks", "sent"),
    [
        ("sum", 10, 4, (1, 30)),  # 1.3 s whole against 2.15 s by slices
        ("sum", 1000, 4, (2, 1500)),  # 31 s against 17 s
        ("sum", 1000, 2, (1, 1000)),  # two ranks exchange as many bytes either way
        ("broadcast", 1000, 4, (2, 1500)),
        ("reduce_scatter", 1000, 4, (1, 750)),
        ("allgather", 1000, 4, (1, 3000)),
        ("alltoall", 1000, 4, (1, 750)),
        ("barrier", 0, 4, (1, 0)),
        ("sum", 0, 3, (1, 0)),
    ],
)
def test_what_a_rank_sends(operation: Operation, nbytes: int, ranks: int, sent: tuple[int, int]) -> None:
    assert SLOW.traffic(operation, nbytes, ranks) == Traffic(*sent)
    assert SLOW.seconds(operation, nbytes, ranks) == sent[0] + sent[1] / 100


@pytest.mark.parametrize("operation", ["sum", "reduce_scatter", "allgather", "alltoall", "broadcast", "barrier"])
def test_one_rank_sends_nothing(operation: Operation) -> None:
    assert SLOW.seconds(operation, 1000, 1) == 0
