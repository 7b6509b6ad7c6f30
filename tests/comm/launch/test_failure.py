"""Failures in words: exit codes, what is printed, by whom, and exceptions that reach the top of a thread."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import pytest

from ddtrain.comm.launch.failure import error_text, exception_text, exit_code, fatal_hooks, outcome_of, report
from ddtrain.errors import DataError, GradientError, NonFiniteError, ShapeError, StallError, UsageError


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (StallError("x"), 71),
        (NonFiniteError("x"), 73),
        (DataError("x"), 74),
        (ShapeError("x"), 70),
        (ValueError("x"), 70),
        (KeyboardInterrupt(), 130),
        (SystemExit(3), 3),
        (SystemExit(-1), 255),
        (SystemExit(256), 70),
        (SystemExit(0), 70),
        (SystemExit(), 70),
        (SystemExit("no"), 1),
    ],
    ids=repr,
)
def test_no_error_ends_a_job_with_success(error: BaseException, code: int) -> None:
    assert exit_code(error) == code


def test_ranks_that_failed_alike_have_the_same_outcome_wherever_it_was() -> None:
    one, other = UsageError("batch size 0", rank=0), UsageError("batch size 0", rank=1, step=3)
    assert outcome_of(one) == outcome_of(other)
    assert outcome_of(one).startswith("2 ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (UsageError("a"), UsageError("b")),
        (ValueError("a"), KeyError("a")),
        (UsageError("a"), DataError("a")),
        (SystemExit(3), SystemExit(4)),
    ],
    ids=repr,
)
def test_other_kinds_and_messages_are_other_outcomes(one: BaseException, other: BaseException) -> None:
    assert outcome_of(one) != outcome_of(other)


def test_an_outcome_is_short_whatever_the_message() -> None:
    assert len(outcome_of(ValueError("x" * 10**6 + "\udcff"))) < 24


def test_an_exception_that_cannot_say_what_it_is() -> None:
    assert exception_text(Mute()) == "Mute: (its message cannot be shown)"
    assert exception_text(ValueError()) == "ValueError"


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_line_where_the_user_is_to_act_and_a_traceback_where_the_program_is_wrong() -> None:
    assert error_text(raised(DataError("gone", remedy="Copy it.", line="x.py:3"))) == (
        "ddtrain: error: gone: Copy it.  x.py:3"
    )
    assert error_text(raised(GradientError("differs"))) == "ddtrain: error: differs"
    for error in (ShapeError("no fit"), ValueError("boom")):
        text = error_text(raised(error))
        assert text.startswith("Traceback (most recent call last):")
        assert text.endswith(f"{error!s}")
    assert error_text(KeyboardInterrupt()) == "ddtrain: interrupted"


def test_a_message_of_several_lines_keeps_them() -> None:
    assert error_text(StallError("all wait\n  rank 0: x\n  rank 1: y")).splitlines() == [
        "ddtrain: error: all wait",
        "  rank 0: x",
        "  rank 1: y",
    ]


@pytest.mark.parametrize(
    ("code", "text"),
    [("gave up", "gave up"), (3, "ddtrain: ended by sys.exit(3)"), (None, "ddtrain: ended by sys.exit()")],
)
def test_what_sys_exit_was_given_is_said(code: Any, text: str) -> None:
    assert error_text(SystemExit(code)) == text


def test_every_line_says_who_and_the_callback_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[BaseException, int]] = []
    error = StallError("all wait\n  rank 0: x")
    report(error, 2, "ranks 1 and 2", lambda *args: told.append(args))
    assert told == [(error, 2)]
    assert capsys.readouterr().err == "[ranks 1 and 2] ddtrain: error: all wait\n[ranks 1 and 2]   rank 0: x\n"


def test_a_callback_that_fails_hides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(error: BaseException, rank: int) -> None:
        raise KeyError("log")

    report(UsageError("batch size 0"), 0, "", fail)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["ddtrain: error: batch size 0", "While reporting this, another exception occurred:"]
    assert lines[-1] == "KeyError: 'log'"


def test_an_exception_at_the_top_of_a_thread_ends_all_ranks(capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[int] = []
    before = sys.excepthook, threading.excepthook
    with fatal_hooks(1, ended.append, None):
        thread = threading.Thread(target=lambda: int("x"), name="prefetch")
        thread.start()
        thread.join()
    assert ended == [70]
    assert capsys.readouterr().err.splitlines()[-1].startswith("[rank 1, prefetch] ValueError: invalid literal")
    assert (sys.excepthook, threading.excepthook) == before, "and the hooks are as they were"


def test_a_thread_may_end_itself(capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[int] = []
    with fatal_hooks(1, ended.append, None):
        thread = threading.Thread(target=lambda: sys.exit(3))
        thread.start()
        thread.join()
    assert (ended, capsys.readouterr().err) == ([], "")


def test_an_exception_at_the_top_of_the_process_ends_all_ranks(capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[int] = []
    error = UsageError("batch size 0")
    with fatal_hooks(1, ended.append, None):
        sys.excepthook(UsageError, error, None)
    assert ended == [2]
    assert capsys.readouterr().err == "[rank 1] ddtrain: error: batch size 0\n"


def test_the_hooks_are_taken_off_where_the_inside_fails() -> None:
    before = sys.excepthook, threading.excepthook
    with pytest.raises(ZeroDivisionError), fatal_hooks(0, lambda code: None, None):
        1 / 0  # noqa: B018
    assert (sys.excepthook, threading.excepthook) == before


def test_in_a_child_process_they_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "excepthook", lambda *args: seen.append(args))
    ended: list[int] = []
    error = ValueError("boom")
    with fatal_hooks(1, ended.append, None):
        monkeypatch.setattr(os, "getpid", lambda: -1)
        sys.excepthook(ValueError, error, None)
    assert (seen, ended) == ([(ValueError, error, None)], [])
