"""What the command lines of all verbs have in common: a parser, and errors in one line with an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextvars import ContextVar

from ddtrain.commands.program import called
from ddtrain.errors import COMPLETED, DdtrainError
from ddtrain.standard_output import say
from ddtrain.trainer.config.options import Parser

Given = argparse.Namespace
# Where set, parsers are put here instead of being used: for shell completion, which reads them
ASKED: ContextVar[list[argparse.ArgumentParser] | None] = ContextVar("asked", default=None)


def make_parser(verb: str, text: str) -> Parser:
    """A parser whose help begins with a text as it stands, but for the program's name.

    Parameters
    ----------
    verb : of the command line
    text : the documentation of its module, which writes ``ddtrain VERB``
    """
    prog = called(verb)
    return Parser(
        prog=prog,
        description=text.replace(f"ddtrain {verb}", prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=True,
    )


def run_command(
    parser: Parser, argv: Sequence[str], action: Callable[[Given], int | None], others: bool = False
) -> int:
    """Parse, act, and return the exit code; an error of ddtrain is one line on standard error.

    Parameters
    ----------
    others : whether arguments that the parser does not know are given on, as ``given.others``

    >>> parser = make_parser("greet", "Greets.")
    >>> _ = parser.add_argument("whom")
    >>> run_command(parser, ["you"], lambda given: print("hello,", given.whom))
    hello, you
    0
    """
    asked = ASKED.get()
    if asked is not None:
        asked.append(parser)
        return COMPLETED
    try:
        given, rest = parser.parse_known_args(argv) if others else (parser.parse_args(argv), [])
        given.others = rest
        return action(given) or COMPLETED
    except SystemExit as end:  # argparse exits after --help
        return int(end.code or COMPLETED)
    except DdtrainError as error:
        say(f"ddtrain: error: {error.one_line}\n", sys.stderr)
        return error.exit_code
