"""Dataclasses as plain nested tables: to a dict, and back with every key and type checked.

Knows no section by name: whatever a recipe declares with the types of ``field_types`` or a nested dataclass works.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np

from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config.field_types import coerce, hints

T = TypeVar("T")


def to_table(instance: Any) -> dict[str, Any]:
    """Nested dict of a dataclass instance, tuples as lists, NumPy's numbers and paths as what they hold: the shape of
    JSON and TOML.
    """
    return {field.name: _plain(getattr(instance, field.name)) for field in dataclasses.fields(instance)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_table(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def update(
    instance: T,
    table: Mapping[str, Any],
    former: Mapping[str, str] = MappingProxyType({}),
    path: str = "",
    known: Sequence[str] = (),
) -> T:
    """A copy of a dataclass instance with the values of ``table``.

    Parameters
    ----------
    former : former names with the present ones, for suggestions
    path, known : the instance's dotted name in the whole configuration, and all names of the whole

    Raises
    ------
    UsageError : an unknown key, with the nearest known one; a value of another type.
    """
    if isinstance(instance, Part) and table.get("name", instance.name) != instance.name:  # another part's own values
        instance = instance.named(coerce(table["name"], hints(instance)["name"], f"{path}.name"))()
    known = known or [*leaves(instance), *(f.name for f in dataclasses.fields(instance))]  # type: ignore[arg-type]
    types = hints(instance)
    names = list(types)
    changed = {}
    for key, value in table.items():
        place = quoted(f"{path}.{key}" if path else key, plain=True)
        name = key.replace("-", "_")
        if name not in names and isinstance(instance, Part) and instance.having(name):
            raise instance.unknown(name)
        if name not in names:
            kind = "section" if isinstance(value, Mapping) and not path else "key"
            raise UsageError(f"unknown {kind} '{place}'", remedy=did_you_mean(place, known, former))
        old = getattr(instance, name)
        changed[name] = (
            update(old, _mapping(value, place), former, place, known)
            if is_section(old)
            else coerce(value, types[name], place)
        )
    return dataclasses.replace(instance, **changed)  # type: ignore[type-var]


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise UsageError(
        f"{place}: expected a section, found {quoted(value)}", remedy=f"Write [{place}] and its keys below."
    )


def is_section(value: Any) -> bool:
    """Whether a field's value is a nested dataclass rather than a leaf."""
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def leaves(instance: Any, path: str = "") -> Iterator[str]:
    """Dotted names of all leaves, in order of declaration."""
    for field in dataclasses.fields(instance):
        value, name = getattr(instance, field.name), f"{path}.{field.name}" if path else field.name
        if is_section(value):
            yield from leaves(value, name)
        else:
            yield name


def lookup(instance: Any, dotted: str) -> Any:
    """The value of a dotted name."""
    for name in dotted.split("."):
        instance = getattr(instance, name)
    return instance


def option(dotted: str) -> str:
    """A leaf's name as the command line spells it.

    >>> option("data.batch_size")
    '--data.batch-size'
    """
    return f"--{dotted.replace('_', '-')}"


def value_at(table: Mapping[str, Any], dotted: str) -> Any:
    """The value of a dotted name in a nested table, as :func:`lookup` finds in an instance; None if it is missing.

    >>> value_at({"model": {"body": {"width": 3}}}, "model.body.width"), value_at({}, "optim.lr")
    (3, None)
    """
    value: Any = table
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
