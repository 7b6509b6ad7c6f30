"""The types that an option may have, ``bool int float str Literal tuple``, and values checked against them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part
from ddtrain.suggestions import did_you_mean

_BITS = 128  # largest integer in bits; every option allows less
_SHOWN = 20  # of many choices
_NAMES = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}


@dataclasses.dataclass(frozen=True)
class Keys:
    """Marks a text that is a key of a table, to which others may add: ``Annotated[str, Keys(module, table)]``.

    >>> Keys("ddtrain.trainer.modes", "MODES").names()
    ['sync', 'local', 'diloco', 'stale']
    """

    module: str
    table: str

    def names(self) -> list[str]:
        """The keys that the table has now."""
        return list(getattr(import_module(self.module), self.table))


@dataclasses.dataclass(frozen=True)
class PartNames:
    """Marks a text that is the name of a part of the given kind, such as an optimizer."""

    kind: type[Part]

    def names(self) -> list[str]:
        """The names that are registered now."""
        return list(self.kind.parts)


def hints(instance: Any) -> dict[str, Any]:
    """The type of each field of a dataclass instance, with marks (:class:`Keys`) for the values it may have."""
    kind: Any = type(instance)
    types = {field.name: _all_hints(kind)[field.name] for field in dataclasses.fields(instance)}
    if isinstance(instance, Part):
        types["name"] = Annotated[str, PartNames(kind)]
    return types


@functools.cache
def _all_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _listed(choices: Sequence[Any]) -> str:
    """Choices by name, of many the first ones: a message is one line, and ``--list`` has all.

    >>> _listed(["mean", "sum"]), _listed(range(_SHOWN + 2)).removeprefix("0, 1, ")[-13:]
    ('mean, sum', '19 and 2 more')
    """
    names = [str(choice) for choice in choices]
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def coerce(value: Any, annotation: Any, place: str) -> Any:
    """``value`` as the type of its field; an integer may stand for a float, a list for a tuple, nothing else."""
    if (choices := choices_of(annotation)) is not None:
        if type(value) is type(choices[0]) and value in choices:
            return value
        hint = did_you_mean(quoted(value, plain=True), map(str, choices))
        raise UsageError(f"{place}: {quoted(value)} is none of {_listed(choices)}", remedy=hint)
    if get_origin(annotation) is tuple:
        return _coerce_tuple(value, get_args(annotation), place)
    if dataclasses.is_dataclass(annotation):
        kind = getattr(annotation, "__name__", "dataclass")
        raise UsageError(f"{place}: expected the section {kind}, found {quoted(value)}", remedy=f"Give {kind}(...).")
    if annotation not in _NAMES:
        raise UsageError(f"{place}: an option cannot be of type {annotation}", remedy=_TYPES)
    if annotation is float and type(value) is int:
        return float(value)
    if type(value) is not annotation:
        raise UsageError(f"{place}: expected {_NAMES[annotation]}, found {quoted(value)}")
    if annotation is int and value.bit_length() > _BITS:  # Python prints no more than some 4,000 digits
        raise UsageError(f"{place}: expected an integer of at most {_BITS} bits, found one of {value.bit_length()}")
    return value


_TYPES = "Give it one of bool, int, float, str, Literal, or tuple of them, or a dataclass: a section."


def choices_of(annotation: Any) -> list[Any] | None:
    """The values that a field's type lists, or that its table has; None if any value will do.

    >>> choices_of(Literal["a", "b"]), choices_of(str)
    (['a', 'b'], None)
    """
    if get_origin(annotation) is Annotated:
        return next((mark.names() for mark in get_args(annotation)[1:] if isinstance(mark, Keys | PartNames)), None)
    return list(get_args(annotation)) if get_origin(annotation) is Literal else None


def from_text(text: str, annotation: Any, place: str) -> Any:
    """What a command line says, as the type of its field.

    >>> from_text("1e-3", float, "--optim.lr"), from_text("x", str, "--run.dir")
    (0.001, 'x')
    """
    choices = choices_of(annotation)
    wanted = type(choices[0]) if choices else annotation
    value: Any = text
    if wanted in (int, float):
        try:
            value = wanted(text)
        except ValueError:  # coerce says what was wanted
            value = text
    return coerce(value, annotation, place)


def _coerce_tuple(value: Any, items: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{place}: expected a list, found {quoted(value)}")
    if items[-1] is Ellipsis:
        items = items[:1] * len(value)
    if len(items) != len(value):
        raise UsageError(f"{place}: expected {len(items)} values, found {len(value)}")
    return tuple(coerce(v, item, f"{place}[{i}]") for i, (v, item) in enumerate(zip(value, items, strict=True)))
