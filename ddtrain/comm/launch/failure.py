"""How a failed rank ends: exit code, message, and hooks for exceptions that would otherwise be missed.

Note [Silent hang]
A Python exception on one rank ends that process and leaves the others in a collective for ever; ``-m mpi4py`` cures
the main thread alone. So ``run_ranks`` catches what ``main`` raises, and hooks catch the rest: background threads,
and whatever is raised outside ``main`` while the hooks are in place.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ddtrain.errors import EXCEPTION, DdtrainError, GradientError, quoted
from ddtrain.standard_output import say

OnFailure = Callable[[BaseException, int], None]
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def exit_code(error: BaseException) -> int:
    """The exit code of a job that ends with an error, never 0: a rank that has done its work returns from ``main``.

    >>> exit_code(ValueError()), exit_code(SystemExit("no")), exit_code(SystemExit(3)), exit_code(KeyboardInterrupt())
    (70, 1, 3, 130)
    >>> exit_code(SystemExit(0)), exit_code(SystemExit())
    (70, 70)
    """
    if isinstance(error, DdtrainError):
        return error.exit_code
    if isinstance(error, SystemExit):
        chosen = error.code & 0xFF if isinstance(error.code, int) else int(error.code is not None)
        return chosen or EXCEPTION
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else EXCEPTION


def outcome_of(error: BaseException) -> str:
    """A short text that is equal on ranks with equal failures: the code and a digest of type and message."""
    message = f"{type(error).__name__}: {error.message}" if isinstance(error, DdtrainError) else exception_text(error)
    digest = hashlib.blake2b(message.encode(errors="backslashreplace"), digest_size=8).hexdigest()
    return f"{exit_code(error)} {digest}"


def exception_text(error: BaseException) -> str:
    """Type and message of an exception, even if its ``__str__`` fails.

    >>> exception_text(ValueError("no"))
    'ValueError: no'
    """
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    return f"{type(error).__name__}: {message}".removesuffix(": ")


def error_text(error: BaseException) -> str:
    """The text to print: one line for an error that the user can mend, a traceback for an error in the program.

    >>> from ddtrain.errors import UsageError
    >>> error_text(UsageError("batch size 0", remedy="Give at least 1."))
    'ddtrain: error: batch size 0: Give at least 1.'
    """
    if isinstance(error, KeyboardInterrupt):
        return "ddtrain: interrupted"
    if isinstance(error, SystemExit):
        if isinstance(error.code, str) and error.code:
            return error.code
        return f"ddtrain: ended by sys.exit({'' if error.code is None else quoted(error.code)})"
    if isinstance(error, DdtrainError) and (error.exit_code != EXCEPTION or isinstance(error, GradientError)):
        return f"ddtrain: error: {error if chr(10) in error.message else error.one_line}"
    return "".join(traceback.format_exception(error)).rstrip("\n")


def report(error: BaseException, rank: int, who: str, on_failure: OnFailure | None) -> None:
    """Tell ``on_failure``, then print, each line with ``[who]`` in front when not empty.

    One write, so that the lines of several ranks do not mix.
    """
    lines = error_text(error).splitlines()
    if on_failure is not None:
        try:
            on_failure(error, rank)
        except Exception:
            lines += ["While reporting this, another exception occurred:", *traceback.format_exc().splitlines()]
    prefix = f"[{who}] " if who else ""
    say("", sys.stdout)
    say("".join(f"{prefix}{line}\n" for line in lines), sys.stderr)


@contextmanager
def fatal_hooks(rank: int, abort: Callable[[int], None], on_failure: OnFailure | None) -> Iterator[None]:
    """While inside, an exception that reaches the top of any thread ends all ranks (Note [Silent hang]).

    In a forked child the hooks do nothing, because the child is not a rank.
    """
    process, before = os.getpid(), (sys.excepthook, threading.excepthook)

    def end(error: BaseException, who: str) -> None:
        report(error, rank, who, on_failure)
        abort(exit_code(error))

    def in_main(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if os.getpid() != process:
            before[0](kind, error, trace)
        else:
            end(error, f"rank {rank}")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if os.getpid() != process:
            before[1](args)
        elif args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            name = args.thread.name if args.thread else "thread"
            end(args.exc_value, f"rank {rank}, {name}")

    sys.excepthook, threading.excepthook = in_main, in_thread
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook = before
