"""Ranges of steps, as ``--debug.trace`` names them."""

from __future__ import annotations

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
