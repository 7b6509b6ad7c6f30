"""Shell completion of verbs, recipes and options: ``ddtrain --completion bash|zsh|fish``, which prints a script

ddtrain --completion bash > ~/.local/share/bash-completion/completions/ddtrain
ddtrain --completion zsh > ~/.zfunc/_ddtrain
ddtrain --completion fish > ~/.config/fish/completions/ddtrain.fish

The script is made of the parsers by shtab, and starts no Python when a key is pressed. Options are those of the default
recipe and its parts.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ddtrain.commands.command import ASKED, Given, make_parser, run_command
from ddtrain.commands.verbs import VERBS
from ddtrain.errors import UsageError
from ddtrain.standard_output import say
from ddtrain.trainer.config import command_line
from ddtrain.trainer.main import Recipe, choices

SHELLS = ("bash", "zsh", "fish")
_OF_RECIPES = ("train", "check")  # verbs whose command line is a recipe and its options
_DIRECTORIES = ("run.dir", "data.root")


def main(argv: Sequence[str], recipes: Mapping[str, Recipe]) -> int:
    """Print the script of a shell; returns the exit code."""
    parser = make_parser("--completion", __doc__ or "")
    parser.add_argument("shell", choices=SHELLS)
    return run_command(parser, argv, lambda given: _print(given, recipes))


def _print(given: Given, recipes: Mapping[str, Recipe]) -> None:
    say(completion(given.shell, recipes) + "\n", sys.stdout)


def completion(shell: str, recipes: Mapping[str, Recipe]) -> str:
    """The script that completes command lines of ``ddtrain`` in a shell.

    Raises
    ------
    UsageError : shtab is not installed
    """
    try:
        import shtab
    except ImportError:
        raise UsageError(
            "--completion needs shtab", remedy="`python -m pip install 'ddtrain[completion]'` installs it."
        ) from None
    parser = whole_parser(recipes)
    for action in _actions(parser):
        if action.dest in _DIRECTORIES:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.type is Path or action.dest in ("config", "run.resume"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    script: str = shtab.complete(parser, shell)
    return script


def whole_parser(recipes: Mapping[str, Recipe]) -> argparse.ArgumentParser:
    """A parser of all verbs with their options, which is only read, never used to parse.

    >>> from ddtrain.recipes import RECIPES
    >>> verbs = next(action for action in whole_parser(RECIPES)._actions if action.dest == "verb")
    >>> sorted(set(VERBS) - set(verbs.choices)), "--optim.lr" in verbs.choices["train"]._option_string_actions
    ([], True)
    """
    parser = argparse.ArgumentParser(prog="ddtrain")
    parser.add_argument("--version", action="store_true", help="print the version")
    parser.add_argument("--completion", choices=SHELLS, help="print a script that completes command lines")
    verbs = parser.add_subparsers(dest="verb")
    for name, verb in VERBS.items():
        own = verbs.add_parser(name, help=verb.about.replace("%", "%%"), add_help=False)
        if name in _OF_RECIPES:
            command_line.add_arguments(own, choices(recipes))
        else:
            _take_over(own, _parser_of(name, recipes))
    return parser


def _parser_of(name: str, recipes: Mapping[str, Recipe]) -> argparse.ArgumentParser | None:
    """The parser that a verb makes for itself; None if it has another way of parsing."""
    found: list[argparse.ArgumentParser] = []
    token = ASKED.set(found)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            VERBS[name](["--help"], recipes)
    finally:
        ASKED.reset(token)
    return found[0] if found else None


def _take_over(own: argparse.ArgumentParser, parser: argparse.ArgumentParser | None) -> None:
    for action in [] if parser is None else parser._actions:
        own._add_action(action)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            choices: Mapping[str, Any] = action.choices
            for inner in choices.values():
                yield from _actions(inner)
