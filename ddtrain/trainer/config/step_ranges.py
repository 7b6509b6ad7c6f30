"""Ranges as options name them: of steps, FIRST:LAST, and of learning rates, LOW:HIGH."""

from __future__ import annotations

import math

from ddtrain.errors import UsageError, quoted

_LONGEST = 40  # longest range in characters; no run has steps with more digits


def steps_of(text: str) -> range:
    """The steps, counted from 1, that ``FIRST:LAST`` names: from FIRST to before LAST.

    Raises
    ------
    UsageError : the text is not such a range

    >>> list(steps_of("10:13")), list(steps_of(""))
    ([10, 11, 12], [])
    """
    if not text:
        return range(0)
    first, colon, last = text.partition(":")
    numbers = colon and first.isdecimal() and last.isdecimal() and len(text) <= _LONGEST
    if not (numbers and 1 <= int(first) < int(last)):
        raise UsageError(
            f"--debug.trace {quoted(text, plain=True)} is not a range of steps",
            remedy="Give FIRST:LAST, as 10:20 for steps 10 to 19; the first step is 1.",
        )
    return range(int(first), int(last))


def rates_of(text: str) -> tuple[float, float] | None:
    """The lowest and the highest rate that ``LOW:HIGH`` names; None for an empty text.

    Raises
    ------
    UsageError : the text is not such a range

    >>> rates_of("1e-5:1"), rates_of("")
    ((1e-05, 1.0), None)
    """
    if not text:
        return None
    low, _, high = text.partition(":")
    try:
        rates = float(low), float(high)
    except ValueError:
        rates = 0.0, 0.0
    if not 0 < rates[0] < rates[1] < math.inf:
        raise UsageError(
            f"--run.lr-range-test {quoted(text, plain=True)} is not a range of rates",
            remedy="Give LOW:HIGH, two numbers above 0, as 1e-5:1.",
        )
    return rates
