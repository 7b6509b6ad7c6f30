"""Two bytes an element: how near sums come, and numbers that bare float16 could not hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.parallel.hooks import GradBucket
from ddtrain.parallel.hooks.half import Bfloat16Sum, Float16Sum
from worlds import World


def summed(kind: Any, scale: float, size: int = 2) -> tuple[Any, list[Any]]:
    rows = np.random.default_rng(0).uniform(0.5, 1.0, (size, 64)) * scale

    def body(comm: Any) -> tuple[Any, Any]:
        hook = kind(64, np.float64)
        hook.connect(comm)
        bucket = GradBucket(rows[comm.rank].copy(), start=0)
        hook(bucket, comm).wait()
        return bucket.gradients, hook.state_dict()

    return rows, World(f"threads:{size}").run(body)


@pytest.mark.parametrize(("kind", "precision"), [(Float16Sum, 2.0**-10), (Bfloat16Sum, 2.0**-7)])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_sums_are_as_near_as_the_type_allows_at_any_scale(kind: Any, precision: float, scale: float) -> None:
    rows, found = summed(kind, scale)
    for gradients, _ in found:
        np.testing.assert_allclose(gradients, rows.sum(axis=0), rtol=2 * precision)
        assert (gradients != rows.sum(axis=0)).any(), "fewer bits were sent"


@pytest.mark.parametrize("kind", [Float16Sum, Bfloat16Sum])
def test_what_rounding_left_out_is_kept_to_the_last_bit_or_so(kind: Any) -> None:
    rows, found = summed(kind, 1.0, size=3)
    owed = sum(sum(state[name] for name in kind.residuals) for _, state in found)
    np.testing.assert_allclose(found[0][0] + owed, rows.sum(axis=0), rtol=1e-12)
