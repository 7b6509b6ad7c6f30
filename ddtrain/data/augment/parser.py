"""Augmentations from one line of text, such as ``flip,crop(padding=2)``, and whether their options make sense."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Sequence
from typing import Any

from ddtrain.data.augment.protocol import Augment
from ddtrain.errors import UsageError, kind_of, quoted

_STAGE = re.compile(r"\s*([^\s(),=]+)\s*(?:\(([^()]*)\))?\s*(?:,|$)")
_WRITE = "Write them as in flip,crop(padding=2),cutout(size=8)."


def parse(text: str) -> tuple[Augment, ...]:
    """The augmentations that a text names, in its order.

    Parameters
    ----------
    text : names of augmentations with commas between them, and behind each in parentheses those of its options that are
        to have other values than the defaults; empty: none

    Raises
    ------
    UsageError : a name that there is not, with the nearest; an option that is another's; a value of another type or out
        of range; or what cannot be read

    >>> parse("flip, crop(padding=2, fill=0.5)")
    (Flip(name='flip', horizontal=0.5, vertical=0.0), Crop(name='crop', padding=2, fill=0.5))
    >>> parse("flip,crpo(padding=2)")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: augment: 'crpo' is not known
      Did you mean crop? There is flip, ...
    """
    stages, place = [], 0
    while text[place:].strip():
        found = _STAGE.match(text, place)
        if found is None:
            raise UsageError(f"augment: cannot read {quoted(text[place:].strip())}", remedy=_WRITE)
        stages.append(_stage(found[1].replace("-", "_"), found[2] or ""))
        place = found.end()
    if text.rstrip().endswith(","):
        raise UsageError(f"augment: nothing follows the last comma of {quoted(text)}", remedy=_WRITE)
    return checked(stages)


def checked(stages: Sequence[Augment]) -> tuple[Augment, ...]:
    """The augmentations, each with its options in their ranges.

    Raises
    ------
    UsageError : one that is none, or an option out of range
    """
    for stage in stages:
        if not isinstance(stage, Augment):
            raise UsageError(
                f"augment: {kind_of(stage)} is no augmentation", remedy=f"There is {', '.join(Augment.parts)}."
            )
        finite = ((name, _is_finite(getattr(stage, name)), "a finite number") for name in stage.options())
        for option, ok, allowed in (*finite, *stage.ranges()):
            if not ok:
                raise UsageError(
                    f"augment: {option} {quoted(getattr(stage, option))} of {stage.name} is out of range",
                    remedy=f"Give {allowed}.",
                )
    return tuple(stages)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _stage(name: str, text: str) -> Augment:
    if name not in Augment.parts:
        raise UsageError(f"augment: {quoted(name)} is not known", remedy=_nearest(name, Augment.parts))
    part: type[Augment] = Augment.parts[name]
    defaults = {field.name: field.default for field in dataclasses.fields(part) if field.name != "name"}
    options: dict[str, Any] = {}
    for assignment in text.split(",") if text.strip() else ():
        option, equals, value = (piece.strip() for piece in assignment.partition("="))
        option = option.replace("-", "_")
        if not equals or not option:
            raise UsageError(f"augment: {quoted(assignment.strip())} of {name} is no option=value", remedy=_WRITE)
        if option not in defaults:
            others = [other for other in part.having(option) if option != "name"]
            remedy = f"It belongs to {', '.join(others)}." if others else _nearest(option, defaults)
            raise UsageError(f"augment: {quoted(option)} is no option of {name}", remedy=remedy)
        if option in options:
            raise UsageError(f"augment: {quoted(option)} of {name} is given twice", remedy="Leave out one of them.")
        options[option] = _value(name, option, value, type(defaults[option]))
    return part(**options)


def _value(name: str, option: str, text: str, kind: type) -> Any:
    try:
        return kind(text)
    except ValueError:
        wanted = "an integer" if kind is int else "a number"
        raise UsageError(f"augment: {option} of {name} is {quoted(text)}, not {wanted}", remedy=_WRITE) from None


def _nearest(name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return (f"Did you mean {near[0]}? " if near else "") + f"There is {', '.join(known)}."
