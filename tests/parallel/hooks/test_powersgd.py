"""Bases that nearly collapse, and products that become exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.parallel.hooks import Matrix, make_grad_bucket
from ddtrain.parallel.hooks.powersgd import PowerSgd, orthogonalise_
from worlds import World


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bases_are_orthonormal_even_of_rows_that_are_nearly_parallel(dtype: Any) -> None:
    p = np.random.default_rng(0).standard_normal((4, 50)).astype(dtype)
    p[1] = p[0] * (1 + 4 * np.finfo(dtype).eps)
    p[2] = 0
    orthogonalise_(p)
    kept = p[[0, 1, 3]]
    np.testing.assert_allclose(kept @ kept.T, np.eye(3), atol=20 * np.finfo(dtype).eps)
    assert not p[2].any()


def test_powersgd_is_exact_at_full_rank_and_finds_low_rank_within_a_few_steps() -> None:
    """The gradients' sum has rank 2, and stays what it is: power iteration needs no more than its second step."""

    def body(comm: Any) -> list[float]:
        draw = np.random.default_rng(0)
        left, right = draw.standard_normal((20, 2)), draw.standard_normal((2, 30))
        matrix = left @ np.diag([3.0, 1.0 + comm.rank]) @ right
        exact = 2 * left @ np.diag([3.0, 1.5]) @ right
        hook, errors = PowerSgd(600, np.float64, rank=2), []
        hook.connect(comm)
        for _ in range(3):
            hook.residual[...] = 0  # the approximation alone
            bucket = make_grad_bucket(matrix.reshape(-1).copy(), slice(0, 600), [slice(0, 600)], [(20, 30)])
            hook(bucket, comm).wait()
            errors.append(np.abs(bucket.gradients.reshape(20, 30) - exact).max())
        return errors

    for errors in World("threads:2").run(body):
        assert errors[-1] < 1e-12


def test_powersgd_recovers_from_gradients_that_were_nothing() -> None:
    def body(comm: Any) -> float:
        hook = PowerSgd(200, np.float64, rank=1)
        hook.connect(comm)
        for step in range(3):
            grads = np.zeros(200) if step < 2 else np.outer(np.arange(10.0) == 7, np.arange(20.0)).reshape(-1)
            bucket = make_grad_bucket(grads, slice(0, 200), [slice(0, 200)], [(10, 20)])
            assert bucket.matrices == (Matrix(0, 10, 20),)
            hook(bucket, comm).wait()
        return float(np.abs(bucket.gradients).sum())

    assert min(World("threads:2").run(body)) > 1
