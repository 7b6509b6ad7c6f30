"""What a benchmark is told to measure: names out of those it knows."""

from __future__ import annotations

from collections.abc import Iterable

from ddtrain.errors import UsageError, quoted
from ddtrain.suggestions import did_you_mean


def choose(kind: str, names: str, known: Iterable[str]) -> list[str]:
    """The names given, separated by commas; all known ones for an empty string.

    Parameters
    ----------
    kind : what is named, for the message

    Raises
    ------
    UsageError : no such name, with the nearest there is

    >>> choose("optimizer", "adam, sgd", ["sgd", "adam", "lion"])
    ['adam', 'sgd']
    """
    known = list(known)
    chosen = [name.strip() for name in names.split(",")] if names.strip() else known
    for name in chosen:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"unknown {kind} {quoted(name)}", remedy=f"{hint} There are {', '.join(known)}.".strip())
    return chosen
