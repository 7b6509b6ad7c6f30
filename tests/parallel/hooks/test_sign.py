"""The vote: the majority's sign where magnitudes are alike, and a rank without samples has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.parallel.hooks import GradBucket
from ddtrain.parallel.hooks.sign import SignVote
from worlds import World


def voted(votes: list[list[float]]) -> list[Any]:
    def body(comm: Any) -> Any:
        hook = SignVote(len(votes[0]), np.float64)
        hook.connect(comm)
        bucket = GradBucket(np.array(votes[comm.rank]), start=0)
        hook(bucket, comm).wait()
        return bucket.gradients

    return World(f"threads:{len(votes)}").run(body)


@pytest.mark.parametrize(
    ("votes", "signs"),
    [
        ([[1, -1, 1], [1, -1, -1], [1, 1, -1]], [1, -1, -1]),
        ([[2, -2, -2], [2, -2, -2], [-2, 2, 2]], [1, -1, -1]),
        ([[-1, 1, 1], [-1, 1, 1], [0, 0, 0]], [-1, 1, 1]),
    ],
)
def test_the_majority_decides_and_all_hear_the_same(votes: list[list[float]], signs: list[int]) -> None:
    found = voted([[float(x) for x in vote] for vote in votes])
    for of_rank in found:
        np.testing.assert_array_equal(np.sign(of_rank), signs)
        np.testing.assert_array_equal(of_rank, found[0])


def test_what_comes_out_is_in_the_gradients_units() -> None:
    """Three ranks of magnitude 4 that agree: their sum is 12, and so is what is applied."""
    for found in voted([[4.0, -4.0, 4.0]] * 3):
        np.testing.assert_allclose(np.abs(found), 12.0, rtol=1e-6)
