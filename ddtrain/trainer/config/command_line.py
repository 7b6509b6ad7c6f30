"""The command line: ``[RECIPE] [--config run.toml] [--section.key value ...]``, which wins over TOML over the recipe.

Here the recipe and the files are chosen; the options of the configuration are :mod:`ddtrain.trainer.config.options`'s.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ddtrain.errors import UsageError, quoted
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.config import options, renamed, resumed_options, tables, toml_files
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.listing import KINDS, listing

Recipes: TypeAlias = Mapping[str, tuple[Callable[[], Config] | Config, str]]
"""Name to (configuration or what makes it, such as its class; description in one line); the first is the default."""


@dataclass(frozen=True)
class Parsed:
    """What the user asked for."""

    recipe: str
    config: Config
    print_config: bool = False
    help: str = ""  # or what --list prints
    notes: tuple[str, ...] = ()  # messages about options that were given by a former name

    @property
    def output(self) -> str:
        """The text to print instead of training: the help or the configuration as TOML; empty: train."""
        return self.help or (self.config.to_toml(self.recipe) if self.print_config else "")


@dataclass
class _Request:
    """The arguments, sorted out but not yet converted."""

    recipe: str
    files: list[str]
    options: list[str]
    print_config: bool
    help: bool
    kind: str  # of --list


def parse(argv: Sequence[str], recipes: Recipes, *, only: str = "", prog: str = "") -> Parsed:
    """Turn arguments into a recipe's name and its configuration.

    Parameters
    ----------
    argv : the arguments, without the program
    recipes : what there is to choose from
    only : for a script with one recipe, its name: then no RECIPE argument is taken
    prog : how the program is called, for the help; empty: ``python -m ddtrain.train``, or ``python ONLY.py``

    Raises
    ------
    UsageError : anything the user got wrong, in one line. Ranges are the business of ``validation.py``.

    >>> recipes = {"mlp": (Config, "A perceptron.")}
    >>> parse(["mlp", "--optim.lr=0.05", "--debug.nans"], recipes).config.optim.lr
    0.05
    >>> parse(["mlp", "--optim.momentun", "0.9"], recipes)
    Traceback (most recent call last):
    ddtrain.errors.UsageError: unknown option --optim.momentun
      Did you mean --optim.momentum?
    """
    request = _sort_out(argv, only)
    if request.kind:
        recipe = only or next(iter(recipes))
        return Parsed(
            recipe, defaults(recipes, recipe), help=listing(request.kind, {k: text for k, (_, text) in recipes.items()})
        )
    files = [(f"--config {path}", toml_files.read_toml(path, f"--config {path}")) for path in request.files]
    usual = _as_written(recipes, request.recipe if request.recipe in recipes else only or next(iter(recipes))).run
    earlier = resumed_options.files(request.options, files, usual.resume, usual.dir)
    if only:  # the program has one recipe, so its runs belong to it even if its file was renamed since
        for _, table in earlier:
            table.pop("recipe", None)
    _same_recipe(request.recipe, earlier)
    files = [*earlier, *files]
    recipe = _choose(request, files, recipes, only)
    config, notes = defaults(recipes, recipe), []
    for source, table in files:
        current, renames = renamed.in_table(table, [*tables.leaves(config)])
        notes += [f"{source}: {note}" for note in renames]
        config = _overlay(config, source, current)
    args, renames = renamed.in_options(request.options, options.names(config))
    config = options.with_parts(config, args)
    if request.help:
        return Parsed(recipe, config, help=_help(config, recipe, recipes, only, prog))
    config = _at_home(options.convert(config, args))
    return Parsed(recipe, config, request.print_config, notes=(*notes, *renames))


def _at_home(config: Config) -> Config:
    run, data = config.run, config.data
    return config.updated(
        {
            "run": {"dir": toml_files.at_home(run.dir), "resume": toml_files.at_home(run.resume)},
            "data": {"root": toml_files.at_home(data.root)},
        }
    )


def _same_recipe(given: str, earlier: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for path, table in earlier:
        # a table without a recipe was not written by a run
        if given and given.replace("-", "_") != table.get("recipe", given.replace("-", "_")):
            raise UsageError(
                f"recipe {quoted(given)}, but the run to be resumed is of recipe {quoted(table['recipe'])} ({path})",
                remedy="Leave the recipe out, or start anew in another --run.dir.",
            )


def defaults(recipes: Recipes, recipe: str) -> Config:
    """A recipe's configuration before any option, with each value converted to its field's type (1 to 1.0)."""
    config = _as_written(recipes, recipe)
    return config.updated(config.to_table())


def _as_written(recipes: Recipes, recipe: str) -> Config:
    config = recipes[recipe][0]
    return config() if callable(config) else config


def add_arguments(parser: argparse.ArgumentParser, recipes: Recipes) -> None:
    """Give a parser the whole command line, with the options of the first recipe: to be read, as by shell completion.

    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser, {"mlp": (Config, "A perceptron.")})
    >>> parser.parse_args(["mlp", "--data.batch-size", "64"]).recipe
    'mlp'
    """
    parser.add_argument("recipe", nargs="?", choices=list(recipes))
    _add_general(parser)
    options.add_explained(parser, defaults(recipes, next(iter(recipes))))


def _general() -> options.Parser:
    """A parser of the options that are none of the configuration's."""
    parser = options.Parser(usage=argparse.SUPPRESS)
    _add_general(parser)
    return parser


def _add_general(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="PATH",
        help="values from a TOML file; may be given more than once, the last wins",
    )
    parser.add_argument("--print-config", action="store_true", help="print the resulting configuration as TOML")
    parser.add_argument("--list", default="", metavar="KIND", help=f"print all of a kind: {', '.join(KINDS)}")
    if not parser.add_help:
        parser.add_argument("-h", "--help", action="store_true", help="print this")


def _sort_out(argv: Sequence[str], only: str) -> _Request:
    """Take the general options and the recipe out; what remains are the configuration's own options."""
    for arg in argv:
        if not arg.isprintable() or any("\ud800" <= c <= "\udfff" for c in arg):
            raise UsageError(f"argument {quoted(arg)} is not printable text")
    given, rest = _general().parse_known_args(argv)
    if "" in given.config:
        raise UsageError("--config: expected the path of a TOML file")
    recipe = rest.pop(0) if rest and not rest[0].startswith("-") and not only else ""
    return _Request(recipe, given.config, rest, given.print_config, given.help, given.list)


def _choose(request: _Request, files: list[tuple[str, dict[str, Any]]], recipes: Recipes, only: str) -> str:
    """The recipe's name: from the command line, or the last file that names one, or the first recipe."""
    chosen, source = request.recipe, ""
    for place, table in reversed(files):
        named = table.pop("recipe", "")
        if not isinstance(named, str):
            raise UsageError(f"{place}: recipe: expected a string, found {quoted(named)}")
        if named and not chosen:
            chosen, source = named, f"{quoted(place, plain=True)}: "
    if only and chosen and chosen != only:
        raise UsageError(
            f"{source}recipe {quoted(chosen)} is not this program's, which is {only!r}",
            remedy="To use its options here, take the line with the recipe out of the file.",
        )
    name = chosen or only or next(iter(recipes))
    name = name if name in recipes else name.replace("-", "_")
    if name in recipes:
        return name
    known = f"There are {', '.join(recipes)}."
    if chosen.endswith(".toml"):
        known = f"For a configuration file write --config {chosen}."
    hint = did_you_mean(name, recipes)
    raise UsageError(f"{source}unknown recipe {quoted(chosen)}", remedy=f"{hint} {known}".strip())


def _overlay(config: Config, source: str, table: Mapping[str, Any]) -> Config:
    try:
        return config.updated(table)
    except UsageError as error:
        raise UsageError(f"{quoted(source, plain=True)}: {error.message}", remedy=error.remedy) from None


def _help(config: Config, recipe: str, recipes: Recipes, only: str, prog: str) -> str:
    prog = prog or (f"python {only}.py" if only else "python -m ddtrain.train")
    wide = max(map(len, recipes))
    table = [f"  {name:{wide}}  {text}{' (options below)' * (name == recipe)}" for name, (_, text) in recipes.items()]
    return "\n".join(
        [
            f"usage: {prog}{'' if only else ' [RECIPE]'} [--config run.toml] [--section.key value ...]",
            "",
            *([recipes[only][1]] if only else ["recipes (the first is the default)", *table]),
            "",
            "The command line wins over the TOML file, which wins over the recipe.",
            "",
            _general().format_help().strip(),
            "",
            options.explain(config),
        ]
    )
