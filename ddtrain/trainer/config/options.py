"""A configuration's own options, ``--section.key value``: checked by name, converted and explained by tyro.

Options are checked before tyro gets them, so that every mistake is reported in one line with the nearest valid name.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn, get_args, get_origin

from ddtrain.errors import UsageError, quoted
from ddtrain.parts import Part, plain
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import field_types, renamed, tables
from ddtrain.trainer.config.config import Config

_GENERAL = ("--config", "--print-config", "--list", "--help")


def convert(config: Config, args: list[str]) -> Config:
    """The configuration with the options' values; a mistake among them is a UsageError.

    >>> convert(Config(), ["--data.batch_size", "64", "--optim.nesterov"]).data.batch_size
    64
    """
    args = _check(config, args)
    if not args:
        return config
    import tyro  # imported here, because importing tyro takes as long as parsing everything

    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return tyro.cli(type(config), default=config, args=args)
    except SystemExit:
        raise _complaint(config, args, said.getvalue()) from None


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


def names(config: Config) -> list[str]:
    """Every option that the configuration has, ``--section.no-key`` of booleans included.

    >>> names(Config())[:2]
    ['--comm.backend', '--comm.bucket-bytes']
    """
    return list(_flags(_annotations(config)))


def _check(config: Config, args: list[str]) -> list[str]:
    """The options with known names and the right number of values each, as tyro takes them."""
    types, checked, rest = _annotations(config), [], list(args)
    flags = _flags(types)
    while rest:
        given, equals, value = rest.pop(0).partition("=")
        option = given.replace("_", "-")
        if option not in flags:
            _refuse(config, given, flags)
        kind = types[flags[option]]
        if kind is bool:
            if equals or (rest and rest[0].lower() in ("true", "false", "0", "1")):
                on, off = (name for name, leaf in flags.items() if leaf == flags[option])
                raise UsageError(f"{option} takes no value", remedy=f"Write {on} or {off}.")
            checked.append(option)
            continue
        values = [value] if equals else []
        while rest and not rest[0].startswith("--") and len(values) < _arity(kind):
            values.append(rest.pop(0))
        if not values and get_origin(kind) is not tuple:
            raise UsageError(f"{option} needs a value")
        if get_origin(kind) is Annotated:
            field_types.coerce(values[0], kind, option)
        checked += [option, *values] if get_origin(kind) is tuple else [f"{option}={values[0]}"]
    return checked


def _refuse(config: Config, option: str, flags: Mapping[str, str]) -> NoReturn:
    if not option.startswith("-"):
        raise UsageError(f"unexpected argument {quoted(option)}", remedy="A recipe comes first; options start with --.")
    section, _, name = option.removeprefix("--").replace("-", "_").partition(".")
    part = getattr(config, section, None)
    if isinstance(part, Part) and part.having(name.removeprefix("no_")):
        raise part.unknown(name.removeprefix("no_"))
    hint = did_you_mean(option.replace("_", "-"), [*flags, *_GENERAL], renamed.FLAGS)
    raise UsageError(f"unknown option {quoted(option, plain=True)}", remedy=hint or "See --help.")


def _arity(kind: Any) -> float:
    if get_origin(kind) is not tuple:
        return 1
    return float("inf") if get_args(kind)[-1] is Ellipsis else len(get_args(kind))


def _annotations(instance: Any, path: str = "") -> dict[str, Any]:
    """Type of every leaf by dotted name."""
    types: dict[str, Any] = {}
    for name, annotation in field_types.hints(instance).items():
        value, place = getattr(instance, name), f"{path}.{name}" if path else name
        types |= _annotations(value, place) if tables.is_section(value) else {place: annotation}
    return types


def _flags(types: Mapping[str, Any]) -> dict[str, str]:
    """The option of every leaf, and of every boolean's negation, with the leaf it sets."""
    flags = {tables.option(leaf): leaf for leaf, kind in types.items()}
    for leaf, kind in types.items():
        if kind is bool:
            section, _, name = leaf.rpartition(".")
            flags[f"--{section}{'.' if section else ''}no-{name}".replace("_", "-")] = leaf
    return flags


def _complaint(config: Config, args: list[str], said: str) -> UsageError:
    """tyro's box as one line; where it names an option with one value, in this module's own words."""
    types = _annotations(config)
    flags = _flags(types)
    message = _first_paragraph(said)
    for arg in args:
        option, _, value = arg.partition("=")
        if option in flags and get_origin(types[flags[option]]) is not tuple and option in message:
            try:
                field_types.coerce(value, types[flags[option]], option)
            except UsageError as error:
                return error
    return UsageError(quoted(message, plain=True))


def _first_paragraph(box: str) -> str:
    """The text between the first two rules of a box whose first line is its title."""
    lines = [line.strip(" │") for line in box.splitlines()[1:]]
    rules = [i for i, line in enumerate(lines) if not line.strip("-─╰╯")] + [len(lines)]
    start = rules[0] + 1 if rules[0] == 0 else 0
    return " ".join(lines[start : next(i for i in rules if i > start)])


def explain(config: Config) -> str:
    """tyro's sections without its frames, its usage line and its own ``--help``."""
    import tyro

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        tyro.cli(type(config), default=config, args=["--help"])
    lines = [line.rstrip() for line in said.getvalue().splitlines()]
    first = next((i for i, line in enumerate(lines) if line.endswith(" options")), 0)
    kept = [line for line in lines[first:] if line.strip("- ") and not line.startswith("  -h, --help")]
    if kept[:1] == [" options"] and not kept[1].startswith("  "):
        kept.pop(0)  # drop this heading if no option stands outside the sections
    text = plain("\n".join(f"\n{line.strip()}" if line[1:2].strip() else line for line in kept).strip())
    for leaf, kind in _annotations(config).items():
        if get_origin(kind) is Annotated:  # tyro does not know the table of names, so they are put into its text
            text = _with_choices(text, tables.option(leaf), field_types.choices_of(kind) or [])
    return text


def _with_choices(text: str, option: str, choices: list[str]) -> str:
    """The help with an option's choices in the place of its type, and its explanation below them."""
    listed = lambda found: f"  {option} {{{','.join(choices)}}}\n" + " " * len(found[0].rpartition("\n")[2])
    return re.sub(rf"^  {option} STR\s+", listed, text, flags=re.MULTILINE)
