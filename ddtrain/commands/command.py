"""What the command lines of all verbs have in common: a parser, and errors in one line with an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from ddtrain.errors import COMPLETED, DdtrainError
from ddtrain.standard_output import say
from ddtrain.trainer.config.options import Parser

Given = argparse.Namespace


def make_parser(verb: str, text: str) -> Parser:
    """A parser whose help begins with a text as it stands.

    Parameters
    ----------
    verb : of the command line
    text : the documentation of its module
    """
    return Parser(
        prog=f"ddtrain {verb}", description=text, formatter_class=argparse.RawDescriptionHelpFormatter, add_help=True
    )


def run_command(parser: Parser, argv: Sequence[str], action: Callable[[Given], int | None]) -> int:
    """Parse, act, and return the exit code; an error of ddtrain is one line on standard error.

    >>> parser = make_parser("greet", "Greets.")
    >>> _ = parser.add_argument("whom")
    >>> run_command(parser, ["you"], lambda given: print("hello,", given.whom))
    hello, you
    0
    """
    try:
        return action(parser.parse_args(argv)) or COMPLETED
    except SystemExit as end:  # argparse exits after --help
        return int(end.code or COMPLETED)
    except DdtrainError as error:
        say(f"ddtrain: error: {error.one_line}\n", sys.stderr)
        return error.exit_code
