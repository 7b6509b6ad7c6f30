"""``ddtrain [VERB] ...``, also ``python -m ddtrain``: train, and everything around it. See ``ddtrain --help``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ddtrain import __version__
from ddtrain.comm import launcher
from ddtrain.commands.verbs import COMPLETION, VERBS, chosen, overview
from ddtrain.errors import COMPLETED, UsageError
from ddtrain.standard_output import say, tolerant_output


def main(argv: Sequence[str]) -> int:
    """Do what a command line says; returns the exit code."""
    first = argv[0] if argv else "train"
    if first not in ("-h", "--help", "--version"):
        return _verb(first, argv)
    if launcher().rank == 0:
        say(f"ddtrain {__version__}\n" if first == "--version" else f"{overview('ddtrain')}\n", sys.stdout)
    return COMPLETED


def _verb(first: str, argv: Sequence[str]) -> int:
    from ddtrain.recipes import RECIPES

    if first == "--completion":
        return COMPLETION(argv[1:], RECIPES)
    if first.startswith("-") or first.replace("-", "_") in RECIPES:  # train is what is done without a verb
        return VERBS["train"](argv, RECIPES)
    try:
        verb = chosen(first, RECIPES)
    except UsageError as error:
        if launcher().rank == 0:
            say(f"ddtrain: error: {error.one_line}\n", sys.stderr)
        return error.exit_code
    return verb(argv[1:], RECIPES)


def run() -> None:
    """The program ``ddtrain``."""
    with tolerant_output():
        code = main(sys.argv[1:])
    sys.exit(code)


if __name__ == "__main__":
    run()
