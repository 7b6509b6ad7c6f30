"""Bytes that collectives send at least: none on one rank, and about twice a vector for a sum over many."""

from __future__ import annotations

import pytest

from ddtrain.parallel.hooks.bytes_sent import allgather_bytes, allreduce_bytes


@pytest.mark.parametrize(
    ("nbytes", "size", "reduced", "gathered"),
    [
        (1000, 1, 0, 0),
        (1000, 2, 1000, 1000),
        (1000, 4, 1500, 3000),
        (0, 4, 0, 0),
        (7, 2, 7, 7),
        (8000, 1000, 15984, 7992000),
    ],
)
def test_bytes(nbytes: int, size: int, reduced: int, gathered: int) -> None:
    assert allreduce_bytes(nbytes, size) == reduced
    assert allgather_bytes(nbytes, size) == gathered
