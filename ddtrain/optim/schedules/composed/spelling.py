"""Schedules as text, written as calls: what stands in the option ``schedules`` of those made of others.

    linear(start=0.1, length=100), cosine(min_lr=1e-4)

Values are numbers, true or false as Python writes them, texts in quotes, and tuples; nothing is evaluated but these.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from math import isfinite
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ddtrain.errors import UsageError, quoted
from ddtrain.optim.schedules.protocol import Schedule

_OF_THE_WHOLE = ("scale_lr", "reference_batch")  # options that members have no use for
_NAMES = {bool: "True or False", int: "an integer", float: "a number", str: "a text in quotes"}


def parse(texts: Sequence[str]) -> list[Schedule]:
    """The schedules that texts name, each text one or several with commas between.

    Raises
    ------
    UsageError : a text that is no list of schedules; a name or an option that there is not; a value of another type,
        or out of range

    >>> parse(["linear(start=0.1), cosine"])[0].start
    0.1
    >>> parse(["cosine(power=2)"])
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --schedule.schedules 'cosine(power=2)': --schedule.power is no option of cosine
      It belongs to polynomial.
    """
    found = []
    for text in texts:
        for name, options in _calls(text):
            try:
                found.append(_made(name, options))
            except UsageError as error:
                raise UsageError(f"--schedule.schedules {quoted(text)}: {error.message}", remedy=error.remedy) from None
    return found


def _calls(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and options of the calls in a text."""
    try:
        whole = ast.parse(text.strip(), mode="eval").body
        calls = whole.elts if isinstance(whole, ast.Tuple) else [whole]
        return [_call(node) for node in calls]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UsageError(
            f"--schedule.schedules {quoted(text)} is no list of schedules",
            remedy="Write them as calls: 'linear(start=0.1, length=100), cosine'.",
        ) from None


def _call(node: ast.expr) -> tuple[str, dict[str, Any]]:
    if isinstance(node, ast.Name):
        return node.id, {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        raise ValueError
    options: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError
        options[keyword.arg] = ast.literal_eval(keyword.value)
    return node.func.id, options


def _made(name: str, options: dict[str, Any]) -> Schedule:
    """The schedule, its options of the types that they should be, and in their ranges."""
    kinds = get_type_hints(Schedule.named(name))
    for option in options:
        if option == "name" or option in _OF_THE_WHOLE:
            raise UsageError(f"{option} is no option of a member", remedy="Give it to the whole, if to any.")
    values = {option: _typed(name, option, value, kinds.get(option)) for option, value in options.items()}
    schedule: Schedule = Schedule(name=name, **values)
    for option, ok, allowed in schedule.ranges():
        value = getattr(schedule, option)
        if not ok or (isinstance(value, float) and not isfinite(value)):
            raise UsageError(f"{name}({option}={quoted(value)}) is out of range", remedy=f"Give {allowed}.")
    return schedule


def _typed(name: str, option: str, value: Any, kind: Any) -> Any:
    """The value as the type of its option; one of an unknown option as it is, for the part to refuse."""
    if get_origin(kind) is tuple:
        items, kinds = value if isinstance(value, tuple | list) else (value,), get_args(kind)
        kinds = kinds[:1] * len(items) if kinds[-1] is Ellipsis else kinds
        if len(kinds) != len(items):
            raise UsageError(f"{name}({option}={quoted(value)}): expected {len(kinds)} values, found {len(items)}")
        return tuple(_typed(name, option, item, kind) for item, kind in zip(items, kinds, strict=True))
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            choices = ", ".join(map(repr, get_args(kind)))
            raise UsageError(f"{name}({option}={quoted(value)}) is none of {choices}")
        return value
    if kind is float and type(value) is int:
        return float(value)
    if kind in _NAMES and type(value) is not kind:
        raise UsageError(f"{name}({option}={quoted(value)}): expected {_NAMES[kind]}")
    return value
