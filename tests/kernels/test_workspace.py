"""Work space is kept by purpose and thread, grown when needed, and never shared where it must not be."""

from __future__ import annotations

import threading

import numpy as np

from ddtrain.kernels.workspace import scratch


def test_the_same_purpose_has_the_same_memory_whatever_the_type() -> None:
    first = scratch("test same", (4, 3), np.float64)
    again = scratch("test same", (24,), np.float32)
    assert np.shares_memory(first, again)
    assert (again.dtype, again.shape) == (np.float32, (24,))


def test_more_is_asked_for_when_it_is_needed_and_then_kept() -> None:
    small = scratch("test grown", (2,), np.float64)
    large = scratch("test grown", (200,), np.float64)
    large[:] = 1.0
    assert not np.shares_memory(small, large)
    assert np.shares_memory(large, scratch("test grown", (2,), np.float64))


def test_other_purposes_and_other_threads_have_their_own() -> None:
    mine, found = scratch("test own", (8,), np.float64), []
    assert not np.shares_memory(mine, scratch("test other", (8,), np.float64))
    thread = threading.Thread(target=lambda: found.append(scratch("test own", (8,), np.float64)))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, found[0])


def test_nothing_may_be_asked_for() -> None:
    assert scratch("test nothing", (0, 3), np.float32).shape == (0, 3)
    assert scratch("test number", (), np.float32).shape == ()
