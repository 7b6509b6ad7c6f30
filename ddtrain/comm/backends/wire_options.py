"""The network that ``--comm.backend wire:SPEC,latency-us=50,gbit-s=10`` asks for, from its text."""

from __future__ import annotations

from math import isfinite

from ddtrain.comm.backends.link_model import Network
from ddtrain.errors import UsageError, quoted

_OPTIONS = ("latency-us", "gbit-s")
FORM = "wire:SPEC,latency-us=50,gbit-s=10"


def parse_wire(argument: str) -> tuple[str, Network]:
    """The inner backend's spec and the network of what follows ``wire:``.

    Raises
    ------
    UsageError : an option is unknown, missing, given twice, or not a number in its range.

    >>> parse_wire("threads:4,latency-us=50,gbit-s=10")
    ('threads:4', Network(latency_s=5e-05, bytes_per_s=1250000000.0))
    """
    inner, *options = argument.split(",")
    values: dict[str, float] = {}
    for option in options:
        key, equals, text = option.partition("=")
        if key not in _OPTIONS or not equals:
            raise _wrong(argument, f"{option!r} is not one of latency-us=MICROSECONDS and gbit-s=GIGABITS")
        if key in values:
            raise _wrong(argument, f"{key} is given twice")
        values[key] = _number(argument, key, text)
    missing = [key for key in _OPTIONS if key not in values]
    if missing:
        raise _wrong(argument, f"{' and '.join(missing)} missing")
    return inner, Network(values["latency-us"] / 1e6, values["gbit-s"] * 1e9 / 8)


def _number(argument: str, key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _wrong(argument, f"{key}={text} is not a number") from None
    if not isfinite(value) or value < 0 or (key == "gbit-s" and value == 0):
        allowed = "above 0" if key == "gbit-s" else "0 or more"
        raise _wrong(argument, f"{key}={text} is out of range, it must be {allowed}")
    return value


def _wrong(argument: str, what: str) -> UsageError:
    given = quoted(f"wire:{argument}", plain=True)
    message = f"--comm.backend {given}: {quoted(what, plain=True)}"
    return UsageError(message, remedy=f"Give {FORM}, SPEC being another backend.")
