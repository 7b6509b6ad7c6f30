"""Exchanges of two stages: second ones begin in the order of the first, whoever asks, and not before their turn."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from ddtrain.parallel.hooks.exchange_stages import StagedWork, drive


class Manual:
    """A work that is done when the test says so, or somebody waits for it."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log, self.done = name, log, False
        log.append(f"begin {name}")

    def test(self) -> bool:
        return self.done

    def wait(self) -> None:
        self.log.append(f"wait {self.name}")
        self.done = True


def begin(name: str, log: list[str], ahead: deque[StagedWork], works: dict[str, Manual], stages: int = 2) -> StagedWork:
    def exchange() -> Any:
        for stage in range(1, stages + 1):
            works[f"{name}{stage}"] = Manual(f"{name}{stage}", log)
            yield works[f"{name}{stage}"]
        log.append(f"decode {name}")

    return StagedWork(exchange(), ahead)


@pytest.fixture
def table() -> tuple[list[str], deque[StagedWork], dict[str, Manual]]:
    return [], deque(), {}


def test_a_second_stage_waits_for_the_first_ones_before_it(table: Any) -> None:
    log, ahead, works = table
    a, b = begin("a", *table), begin("b", *table)
    works["b1"].done = True
    assert not b.test()
    assert log == ["begin a1", "begin b1"], "b's first has arrived, and a's has not"
    works["a1"].done = True
    drive(ahead)
    assert log[2:] == ["begin a2", "begin b2"]
    assert not a.test()
    works["a2"].done = works["b2"].done = True
    assert b.test()
    assert a.test()
    assert log[4:] == ["decode b", "decode a"]


def test_waiting_for_the_last_brings_on_those_before_it(table: Any) -> None:
    log, ahead, _ = table
    a, b = begin("a", *table), begin("b", *table)
    b.wait()
    assert log == ["begin a1", "begin b1", "wait a1", "begin a2", "wait b1", "begin b2", "wait b2", "decode b"]
    a.wait()
    assert log[8:] == ["wait a2", "decode a"]
    assert not ahead


def test_what_is_done_is_done_however_often_it_is_asked(table: Any) -> None:
    log, _, _ = table
    a = begin("a", *table, stages=1)
    a.wait()
    seen = list(log)
    a.wait()
    assert a.test()
    assert log == seen


def test_an_exchange_without_stages_is_done_at_once(table: Any) -> None:
    log, ahead, _ = table
    a = begin("a", *table, stages=0)
    assert a.test()
    assert (log, len(ahead)) == (["decode a"], 0)
