"""Seconds go to the part that took them, and not to it while other shards of the rank had their turn."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ddtrain.trainer.step import step_timer


def test_the_turns_of_others_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_timer, "perf_counter", lambda: 20.0)
    timer = step_timer.StepTimer()
    timer.add("forward", 10.0, SimpleNamespace(suspended=[(0.0, 5.0), (11.0, 14.0), (16.0, 20.0)]))
    assert timer.seconds == {"data": 0, "forward": 3.0, "backward": 0, "wait": 0, "update": 0}
    timer.reset()
    assert not any(timer.seconds.values())
