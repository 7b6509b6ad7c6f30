"""Dataclasses as plain nested tables: to dict and TOML, and back with every key and type checked.

Knows no section by name: whatever a recipe declares with ``bool int float str Literal tuple`` or a nested
dataclass works. TOML is read by the standard library's ``tomllib``; its writer is the few lines below.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part

T = TypeVar("T")
_LONGEST = 60  # longest name in characters for which similar names are looked for
_BITS = 128  # largest integer in bits; every option allows less
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
    found = get_type_hints(type(instance), include_extras=True)
    types = {field.name: found[field.name] for field in dataclasses.fields(instance)}
    if isinstance(instance, Part):
        types["name"] = Annotated[str, PartNames(type(instance))]
    return types


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
    # the table chooses another part, whose own defaults hold
    if isinstance(instance, Part) and table.get("name", instance.name) != instance.name:
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


def coerce(value: Any, annotation: Any, place: str) -> Any:
    """``value`` as the type of its field; an integer may stand for a float, a list for a tuple, nothing else."""
    if (choices := choices_of(annotation)) is not None:
        if type(value) is type(choices[0]) and value in choices:
            return value
        hint = did_you_mean(quoted(value, plain=True), map(str, choices))
        raise UsageError(f"{place}: {quoted(value)} is none of {', '.join(map(str, choices))}", remedy=hint)
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
    # Python refuses to print integers of more than some 4,000 digits
    if annotation is int and value.bit_length() > _BITS:
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


def _coerce_tuple(value: Any, items: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise UsageError(f"{place}: expected a list, found {quoted(value)}")
    if items[-1] is Ellipsis:
        items = items[:1] * len(value)
    if len(items) != len(value):
        raise UsageError(f"{place}: expected {len(items)} values, found {len(value)}")
    return tuple(coerce(v, item, f"{place}[{i}]") for i, (v, item) in enumerate(zip(value, items, strict=True)))


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


def did_you_mean(given: str, known: Iterable[str], former: Mapping[str, str] = MappingProxyType({})) -> str:
    """ "Did you mean" with the nearest known name, or an empty text if none is near.

    Parameters
    ----------
    former : former names with the present ones, which are then suggested

    >>> did_you_mean("optim.ln", ["optim.lr", "run.dir"])
    'Did you mean optim.lr?'
    >>> did_you_mean("--batch-size", ["--comm.bucket-bytes", "--data.batch-size"])  # the section forgotten
    'Did you mean --data.batch-size?'
    >>> did_you_mean("run.kep", ["checkpoint.keep", "run.dir"], {"run.keep": "checkpoint.keep"})
    'Did you mean checkpoint.keep?'
    """
    names = {name: name for name in known}
    present = names | {old: new for old, new in former.items() if old not in names} if len(given) <= _LONGEST else {}
    same = [name for name in present if _last(name) == _last(given)]
    near = same or difflib.get_close_matches(given, present, n=1, cutoff=0.6)
    return f"Did you mean {present[near[0]]}?" if near else ""


def _last(name: str) -> str:
    return name.lstrip("-").rpartition(".")[2]


def at_home(path: str) -> str:
    """A path that begins with ``~``, which shells leave as it is in ``--option=~/path``, in the home directory.

    Raises
    ------
    UsageError : the user is unknown, or has no home directory
    """
    whole = os.path.expanduser(path)
    if whole.startswith("~"):
        raise UsageError(
            f"{quoted(path, plain=True)}: there is no such home directory", remedy="Write ./~ for a file of that name."
        )
    return whole


def read_toml(path: str, source: str = "") -> dict[str, Any]:
    """The table in a TOML file; any error of the file is a UsageError that names it, or its ``source``."""
    source = quoted(source or path, plain=True)
    try:
        return tomllib.loads(
            Path(at_home(path)).read_text("utf-8-sig")
        )  # utf-8-sig: some editors on Windows write a byte-order mark
    except OSError as error:
        raise UsageError(f"{source}: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{source} is not valid TOML: it is nested too deeply") from None
    except ValueError as error:  # not TOML, not UTF-8, or a path with a null character
        raise UsageError(f"{source} is not valid TOML: {quoted(str(error), plain=True)}") from None


def to_toml(table: Mapping[str, Any], path: str = "") -> str:
    """TOML text of a nested table of booleans, numbers, strings and lists.

    >>> print(to_toml({"recipe": "mlp", "optim": {"lr": 0.1, "name": "sgd"}}))
    recipe = "mlp"
    <BLANKLINE>
    [optim]
    lr = 0.1
    name = "sgd"
    <BLANKLINE>
    """
    values = [f"{key} = {_toml_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    text = "".join(line + "\n" for line in ([f"[{path}]"] if path and values else []) + values)
    for key, value in table.items():
        if isinstance(value, Mapping):
            section = to_toml(value, f"{path}.{key}" if path else key)
            text += ("\n" if text and section else "") + section
    return text


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):  # JSON's escapes are TOML's, but TOML also wants DEL escaped and no surrogate pairs
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml_value, value))}]"
    return repr(value)
