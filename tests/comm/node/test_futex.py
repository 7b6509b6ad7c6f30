"""Sleeping on a word of memory: who is woken wakes, who slept on something old does not sleep at all."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from ddtrain.comm.node import futex

FOREVER_S = 60.0  # a test that needs it hangs, and is ended

if not futex.AVAILABLE:
    pytest.skip("this system has no futex that is known here", allow_module_level=True)


@pytest.fixture
def word() -> np.ndarray:
    return np.zeros(1, np.int64)


def test_a_sleeper_is_woken_by_a_change(word: np.ndarray) -> None:
    woken = threading.Event()

    def sleeper() -> None:
        while word[0] == 0:
            futex.sleep(word.ctypes.data, 0, FOREVER_S)
        woken.set()

    thread = threading.Thread(target=sleeper, daemon=True)
    thread.start()
    time.sleep(0.01)  # whether or not it sleeps by now, it must wake
    word[0] = 1
    futex.wake(word.ctypes.data)
    assert woken.wait(10)
    thread.join()


def test_what_has_changed_already_is_not_slept_on(word: np.ndarray) -> None:
    word[0] = 5
    futex.sleep(word.ctypes.data, 4, FOREVER_S)


def test_only_the_lower_half_is_compared(word: np.ndarray) -> None:
    word[0] = 1 << 32
    futex.sleep(word.ctypes.data, (1 << 32) + 1, FOREVER_S)
    futex.sleep(word.ctypes.data, 1 << 32, 1e-3)  # equal: sleeps, and its time ends


def test_nobody_to_wake_is_fine(word: np.ndarray) -> None:
    futex.wake(word.ctypes.data)
