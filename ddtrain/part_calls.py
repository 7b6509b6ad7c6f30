"""Parts as text, written as calls: what stands in an option that takes several of them, or one with its options.

    linear(start=0.1, length=100), cosine(min_lr=1e-4)

Values are numbers, true or false as Python writes them, texts, which need quotes only if they are no name, and tuples;
nothing is evaluated but these.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part
from ddtrain.suggestions import did_you_mean

P = TypeVar("P", bound=Part)
_Call = tuple[str, dict[str, Any], bool]  # name, options, and whether there are values without the name of an option
_NAMES = {bool: "True or False", int: "an integer", float: "a number", str: "a text"}


class _Word(str):
    """A text that stood without quotes."""

    def __repr__(self) -> str:
        return str(self)


def parse(kind: type[P], texts: Sequence[str], place: str, example: str, withheld: Sequence[str] = ()) -> list[P]:
    """The parts of a kind that texts name, each text one or several with commas between; an empty one none.

    Parameters
    ----------
    place : where the texts come from, such as an option, for messages
    example : a text that would do, for messages
    withheld : options of the kind that have no meaning here

    Raises
    ------
    UsageError : a text that is no list of calls; a name or an option that there is not; a value of another type, or
        out of range

    >>> from ddtrain.optim import Optim
    >>> parse(Optim, ["sgd(lr=1), adam"], "--example", "sgd")[0].lr
    1.0
    >>> parse(Optim, ["sgd(rho=2)"], "--example", "sgd")
    Traceback (most recent call last):
    ddtrain.errors.UsageError: --example 'sgd(rho=2)': rho is no option of sgd
      It belongs to adadelta, rmsprop, ...
    """
    found = []
    for text in texts:
        for name, options, positional in _calls(text, kind, place, example):
            try:
                part = _made(kind, name, options, withheld, positional)
                check(part)
            except UsageError as error:
                raise UsageError(f"{place} {quoted(text)}: {error.message}", remedy=error.remedy) from None
            found.append(part)
    return found


def written(part: Part) -> str:
    """The part as the call that :func:`parse` reads, with all of its options.

    >>> from ddtrain.optim.schedules import Schedule
    >>> written(Schedule(name="exponential", factor=0.5)).startswith("exponential(warmup_steps=0, min_lr=0.0, ")
    True
    """
    options = [f"{option}={getattr(part, option)!r}" for option in part.options() if option != "name"]
    return f"{part.name}({', '.join(options)})" if options else part.name


def check(part: Part) -> None:
    """Check the options of a part against their ranges.

    Raises
    ------
    UsageError : the first that is out of range
    """
    for option, ok, allowed in (*_finite(part), *part.ranges()):
        if not ok:
            raise UsageError(
                f"{part.name}({option}={quoted(getattr(part, option))}) is out of range", remedy=f"Give {allowed}."
            )


def _finite(part: Part) -> Iterator[tuple[str, bool, str]]:
    for option in part.options():
        value = getattr(part, option)
        yield option, not isinstance(value, float) or isfinite(value), "a finite number"


def _calls(text: str, kind: type[Part], place: str, example: str) -> list[_Call]:
    """The calls in a text."""
    if not text.strip():
        return []
    try:
        whole = ast.parse(text.strip(), mode="eval").body
        calls = whole.elts if isinstance(whole, ast.Tuple) else [whole]
        return [_call(node) for node in calls]
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UsageError(
            f"{place} {quoted(text)} is no list of the kind {kind.kind}",
            remedy=f"Write calls with commas between them: '{example}'.",
        ) from None


def _call(node: ast.expr) -> _Call:
    if isinstance(node, ast.Name):
        return node.id, {}, False
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError
    options: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ValueError
        options[keyword.arg] = _value(keyword.value)
    unnamed = [_value(argument) for argument in node.args]  # read, so that what is no value is no call
    return node.func.id, options, bool(unnamed)


def _value(node: ast.expr) -> Any:
    """A literal, or a name as a text; several of them in a tuple or a list."""
    if isinstance(node, ast.Name):
        return _Word(node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(map(_value, node.elts))
    return ast.literal_eval(node)


def _made(kind: type[P], name: str, options: dict[str, Any], withheld: Sequence[str], positional: bool) -> P:
    """The part, with its options of the types that they should be."""
    if name not in kind.parts:
        hint = did_you_mean(name, kind.parts)
        raise UsageError(
            f"there is no {kind.kind} {quoted(name)}", remedy=f"{hint} There is {', '.join(kind.parts)}.".lstrip()
        )
    part = kind.parts[name]
    own = [option for option in part.options() if option != "name"]
    if positional:
        first = next((option for option in inspect.get_annotations(part) if option in own), "")
        raise UsageError(
            f"{name} takes its options by name",
            remedy=f"Name the argument: {name}({first or own[0]}=...)." if own else "It has none.",
        )
    for option in options:
        if option == "name" or option in withheld:
            raise UsageError(f"{option} is no option of a member", remedy="Give it to the whole, if to any.")
        if option not in own:
            raise UsageError(f"{option} is no option of {name}", remedy=part.whose(option, own))
    kinds = get_type_hints(part)
    values = {option: _typed(name, option, value, kinds.get(option)) for option, value in options.items()}
    made: P = part(**values)
    return made


def _typed(name: str, option: str, value: Any, kind: Any) -> Any:
    """The value as the type of its option."""
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
        return str(value) if isinstance(value, _Word) else value
    if kind is float and type(value) is int:
        return float(value)
    if kind is str and isinstance(value, _Word):
        return str(value)
    if kind in _NAMES and type(value) is not kind:
        raise UsageError(f"{name}({option}={quoted(value)}): expected {_NAMES[kind]}")
    return value
