"""Error feedback: what was not sent is kept, added, undone and handed over, and NaN leaves no memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.parallel.hooks import GradBucket
from ddtrain.parallel.hooks.error_feedback import ErrorFeedback, update_residual
from worlds import World


class First(ErrorFeedback):
    """Sums each rank's first element of a bucket, and keeps the others."""

    name = "first"

    def exchange(self, bucket: Any, comm: Any, second: Any) -> Any:
        wanted = bucket.gradients + self.residual[bucket.span]
        sent = np.zeros_like(wanted)
        sent[0] = wanted[0]
        update_residual(self.residual[bucket.span], wanted, sent)
        yield comm.iallreduce(sent)
        bucket.gradients[...] = sent


def step(hook: ErrorFeedback, comm: Any, gradients: Any, start: int = 0) -> Any:
    bucket = GradBucket(np.array(gradients, float), start=start)
    hook(bucket, comm).wait()
    return bucket.gradients


def test_what_was_kept_is_added_to_the_next_gradient_of_its_place() -> None:
    def body(comm: Any) -> tuple[list[float], list[float]]:
        hook = First(4, float)
        hook.connect(comm)
        step(hook, comm, [1.0, 2.0], start=2)
        before = hook.residual.tolist()
        hook.residual[2] = 10.0
        return before, step(hook, comm, [1.0, 0.0], start=2).tolist()

    for kept, applied in World("threads:2").run(body):
        assert kept == [0.0, 0.0, 0.0, 2.0]
        assert applied == [22.0, 0.0]


def test_a_skipped_step_is_undone() -> None:
    def body(comm: Any) -> tuple[list[float], list[float]]:
        hook = First(2, float)
        hook.connect(comm)
        step(hook, comm, [1.0, 2.0])
        hook.snapshot()
        step(hook, comm, [5.0, 7.0])
        during = hook.residual.tolist()
        hook.roll_back()
        return during, hook.residual.tolist()

    assert World("threads:2").run(body) == [([0.0, 9.0], [0.0, 2.0])] * 2


def test_a_single_rank_sends_nothing_and_pays_what_it_owes_once() -> None:
    hook, comm = First(3, float), LocalCommunicator()
    hook.connect(comm)
    hook.set_unsent(np.array([0.0, 5.0, 7.0]))
    np.testing.assert_array_equal(step(hook, comm, [1.0, 1.0], start=1), [6.0, 8.0])
    np.testing.assert_array_equal(step(hook, comm, [1.0, 1.0], start=1), [1.0, 1.0])
    assert (hook.bytes_sent, hook.bytes_exact, hook.waited_s) == (0, 0, 0.0)


def test_a_saved_state_is_a_copy() -> None:
    hook = First(2, float)
    saved = hook.state_dict()
    hook.residual[:] = 3.0
    assert saved["residual"].tolist() == [0.0, 0.0]
    hook.load_state_dict(saved)
    assert hook.unsent().tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_leaves_no_memory(bad: float) -> None:
    residual = np.full(3, 7.0)
    with np.errstate(invalid="ignore"):
        update_residual(residual, np.array([1.0, bad, 3.0]), np.array([0.5, bad, 0.0]))
    np.testing.assert_array_equal(residual, [0.5, 0.0, 3.0])
