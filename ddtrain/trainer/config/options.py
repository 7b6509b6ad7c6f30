"""A configuration's own options, ``--section.key value``: an argparse parser made of its dataclasses.

Every leaf is an argument whose type is the field's and whose help is the text below the field. Only what is given gets
into the result, which is laid over the configuration as a TOML file's table is.
"""

from __future__ import annotations

import argparse
import ast
import functools
import inspect
import itertools
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn, TypeVar, get_args, get_origin

from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part, plain
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import field_types, renamed, tables
from ddtrain.trainer.config.config import Config

_GENERAL = ("--config", "--print-config", "--list", "--help")
_FULL = 90  # characters; a longer line of an explanation goes on in the next

T = TypeVar("T")


def convert(config: T, args: Sequence[str]) -> T:
    """The configuration, a dataclass of sections or of options, with the options' values.

    Raises
    ------
    UsageError : an option that there is not, with the nearest that there is; a value that is missing or of another type

    >>> convert(Config(), ["--data.batch_size", "64", "--debug.nans"]).data.batch_size
    64
    """
    given, rest = _parser(config).parse_known_args([_spelled(arg) for arg in args])
    if rest:
        _refuse(config, rest[0].partition("=")[0])
    table: dict[str, Any] = {}
    for leaf, value in vars(given).items():
        *sections, name = leaf.split(".")
        inner = functools.reduce(lambda outer, section: outer.setdefault(section, {}), sections, table)
        inner[name] = value
    return tables.update(config, table, path="") if table else config


def with_parts(config: Config, args: Sequence[str]) -> Config:
    """The configuration with the parts that the options name, each with its own options and their defaults.

    >>> with_parts(Config(), ["--optim.name", "adam", "--optim.beta1", "0.8"]).optim.name
    'adam'
    """
    for section, part in [(name, value) for name, value in vars(config).items() if isinstance(value, Part)]:
        chosen = value_of(args, f"--{section}.name")
        if chosen is not None and chosen != part.name:
            field_types.coerce(chosen, field_types.hints(part)["name"], f"--{section}.name")
            config = config.updated({section: {"name": chosen}})
    return config


def value_of(args: Sequence[str], option: str) -> str | None:
    """The last value given to an option; None if it is not given, or given without a value."""
    said = None
    for argument, following in zip(args, [*args[1:], None], strict=False):
        if argument == option:
            said = following
        elif argument.startswith(f"{option}="):
            said = argument.removeprefix(f"{option}=")
    return said


def names(config: Any) -> list[str]:
    """Every option that the configuration has, ``--section.no-key`` of booleans included.

    >>> names(Config())[:2]
    ['--comm.backend', '--comm.bucket-bytes']
    """
    return [option for leaf, kind in _annotations(config).items() for option in _spellings(leaf, kind)]


def explain(config: Any) -> str:
    """The help on all options, section by section, with their values as defaults."""
    return plain(_parser(config, explained=True).format_help().strip())


def add_explained(parser: argparse.ArgumentParser, config: Any) -> None:
    """Give a parser all options with a line of help each, and the values that they may have as choices: to be read."""
    _add(parser, config, "", explained=True)
    kinds = _annotations(config)
    for action in parser._actions:
        if action.dest in kinds:
            action.help = plain(str(action.help).splitlines()[0])
            choices = field_types.choices_of(kinds[action.dest])
            action.choices = list(map(str, choices)) if choices and action.nargs is None else None


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UsageError in one line, and takes no abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **{"add_help": False, **options})

    def error(self, message: str) -> NoReturn:
        raise UsageError(quoted(message.removeprefix("argument "), plain=True))


class _Switch(argparse.Action):
    """A boolean: its first spelling turns it on, its second off; ``true`` or ``false`` may follow the first."""

    def __init__(self, **options: Any) -> None:
        super().__init__(nargs="?", metavar="true|false", **options)

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        turns_on = option_string == self.option_strings[0]
        said = {None: True, "true": True, "false": False}.get(values if values is None else values.lower())
        if said is None or (values is not None and not turns_on):
            allowed = "true, false or nothing" if turns_on else "no value"
            raise UsageError(f"{option_string} {quoted(values)}: it takes {allowed}")
        setattr(namespace, self.dest, said if turns_on else False)


class _Help(argparse.HelpFormatter):
    """The usual help, in which an explanation keeps its lines, but for those that are full in the source."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26)

    def _split_lines(self, text: str, width: int) -> list[str]:
        joined = [line + (" " if len(line) > _FULL else "\n") for line in text.splitlines()]
        return [part for line in "".join(joined).splitlines() for part in textwrap.wrap(line, width)]


def _parser(config: Any, explained: bool = False) -> Parser:
    """A parser of all leaves, without defaults; with help only where it is shown, as reading sources takes time."""
    parser = Parser(usage=argparse.SUPPRESS, formatter_class=_Help, argument_default=argparse.SUPPRESS)
    _add(parser, config, "", explained)
    return parser


def _add(parser: argparse.ArgumentParser, instance: Any, path: str, explained: bool) -> None:
    """Arguments for the leaves of a dataclass instance, then those of its sections."""
    types, sections = field_types.hints(instance), []
    title = tables.option(path).removeprefix("--")
    group = parser.add_argument_group(f"{title} options" if path else "options", _about(instance) if path else None)
    texts = explanations(type(instance)) if explained else {}
    for name, kind in types.items():
        value, leaf = getattr(instance, name), f"{path}.{name}" if path else name
        if tables.is_section(value):
            sections.append((value, leaf))
            continue
        told = f"{texts.get(name, '')} (default: {_shown(value)})".strip().replace("%", "%%")
        group.add_argument(*_spellings(leaf, kind), dest=leaf, help=told, **_taking(leaf, kind))
    for value, leaf in sections:
        _add(parser, value, leaf, explained)


def _taking(leaf: str, kind: Any) -> dict[str, Any]:
    """What an argument takes, as ``add_argument`` is told."""
    if kind is bool:
        return {"action": _Switch}
    items = get_args(kind) if get_origin(kind) is tuple else ()
    many = {"nargs": "*" if items[-1] is Ellipsis else len(items)} if items else {}
    item = items[0] if items else kind
    choices = field_types.choices_of(item)
    metavar = f"{{{','.join(map(str, choices))}}}" if choices else item.__name__.upper()
    return {"type": lambda text: field_types.from_text(text, item, tables.option(leaf)), "metavar": metavar, **many}


def _spellings(leaf: str, kind: Any) -> list[str]:
    """The option that sets a leaf; of a boolean also the one that unsets it."""
    if kind is not bool:
        return [tables.option(leaf)]
    section, dot, name = leaf.rpartition(".")
    return [tables.option(leaf), tables.option(f"{section}{dot}no-{name}")]


def _spelled(arg: str) -> str:
    """An option with hyphens, however it was written; a value as it is."""
    name, equals, value = arg.partition("=")
    return f"{name.replace('_', '-')}{equals}{value}" if arg.startswith("--") else arg


def _refuse(config: Any, arg: str) -> NoReturn:
    if not arg.startswith("-"):
        raise UsageError(f"unexpected argument {quoted(arg)}", remedy="A recipe comes first; options start with --.")
    section, _, name = arg.removeprefix("--").replace("-", "_").partition(".")
    part = getattr(config, section, None)
    if isinstance(part, Part) and part.having(name.removeprefix("no_")):
        raise part.unknown(name.removeprefix("no_"))
    hint = did_you_mean(arg, [*names(config), *_GENERAL], renamed.FLAGS)
    raise UsageError(f"unknown option {quoted(arg, plain=True)}", remedy=hint or "See --help.")


def _annotations(instance: Any, path: str = "") -> dict[str, Any]:
    """Type of every leaf by dotted name."""
    types: dict[str, Any] = {}
    for name, annotation in field_types.hints(instance).items():
        value, place = getattr(instance, name), f"{path}.{name}" if path else name
        types |= _annotations(value, place) if tables.is_section(value) else {place: annotation}
    return types


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _about(instance: Any) -> str:
    """The first line of a section's documentation."""
    return (type(instance).__doc__ or "").strip().split("\n")[0].replace("%", "%%")


def explanations(kind: type) -> Mapping[str, str]:
    """The text below each field of a dataclass; of what has no source to read, none."""
    found: dict[str, str] = {}
    for cls in reversed(kind.__mro__[:-1]):
        body = _classes(cls.__module__).get(cls.__qualname__.replace(".<locals>", ""))
        for field, below in itertools.pairwise([] if body is None else body.body):
            text = getattr(getattr(below, "value", None), "value", None) if isinstance(below, ast.Expr) else None
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, str):
                found[field.target.id] = inspect.cleandoc(text)
    return found


@functools.cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """The classes of a module's source by qualified name; each source is read once, as inspect.getsource does not."""
    found: dict[str, ast.ClassDef] = {}

    def look(node: ast.AST, path: str) -> None:
        for child in getattr(node, "body", []):
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                name = f"{path}{child.name}"
                if isinstance(child, ast.ClassDef):
                    found[name] = child
                look(child, f"{name}.")

    with suppress(OSError, TypeError, SyntaxError, KeyError):
        look(ast.parse(inspect.getsource(sys.modules[module])), "")
    return found
