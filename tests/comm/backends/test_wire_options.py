"""Mistakes in the text after ``wire:`` are one line that says what to give."""

from __future__ import annotations

import pytest

from ddtrain.comm import run_ranks
from ddtrain.comm.backends.wire_options import FORM, parse_wire
from ddtrain.errors import UsageError


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("local", "latency-us and gbit-s missing"),
        ("local,latency-us=5", "gbit-s missing"),
        ("local,latency-us=5,gbit-s=1,latency-us=6", "latency-us is given twice"),
        ("local,latency=5,gbit-s=1", "'latency=5' is not one of latency-us=MICROSECONDS and gbit-s=GIGABITS"),
        ("local,latency-us,gbit-s=1", "'latency-us' is not one of"),
        ("local,latency-us=5,gbit-s=1,", "'' is not one of"),
        ("local,latency-us=-1,gbit-s=1", "latency-us=-1 is out of range, it must be 0 or more"),
        ("local,latency-us=1,gbit-s=0", "gbit-s=0 is out of range, it must be above 0"),
        ("local,latency-us=1,gbit-s=nan", "gbit-s=nan is out of range"),
        ("local,latency-us=inf,gbit-s=1", "latency-us=inf is out of range"),
        ("local,latency-us=fast,gbit-s=1", "latency-us=fast is not a number"),
        ("threads:2,latency-us=,gbit-s=1", "latency-us= is not a number"),
    ],
)
def test_mistakes_are_one_line(argument: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as info:
        parse_wire(argument)
    assert info.value.message.startswith(f"--comm.backend wire:{argument}: {complaint}")
    assert run_ranks(f"wire:{argument}", lambda comm: None) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert FORM in printed
