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


def test_the_timeline_hears_of_each_stretch_of_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, float, float]] = []
    monkeypatch.setattr(step_timer, "perf_counter", lambda: 9.0)
    timer = step_timer.StepTimer()
    timer.timeline = SimpleNamespace(span=lambda *span: told.append(span))
    timer.add("forward", 1.0, SimpleNamespace(suspended=[(2.0, 5.0)]))
    timer.add("update", 8.0)
    assert told == [("forward", 1.0, 2.0), ("forward", 5.0, 9.0), ("update", 8.0, 9.0)]
    assert timer.seconds["update"] == 1.0


def test_a_part_that_is_done_twice_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_timer, "perf_counter", lambda: 4.0)
    timer = step_timer.StepTimer()
    timer.add("data", 1.0)
    timer.add("data", 2.0)
    assert timer.seconds["data"] == 5.0
