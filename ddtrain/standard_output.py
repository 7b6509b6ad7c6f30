"""Standard output and error as a program finds them: of any encoding, closed, full, or replaced by the user's own.

What is said there is for people. It may be lost, or shown with other letters, but it never ends a run.
"""

from __future__ import annotations

import fcntl
import io
import os
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO


def say(text: str, stream: TextIO | None) -> bool:
    r"""Write a text in one piece and flush it; whether that went well. Letters that cannot be shown are spelled out.

    >>> latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    >>> say("Zürich \N{RIGHTWARDS ARROW} Genève", latin), latin.buffer.getvalue()
    (True, b'Z\xfcrich \\u2192 Gen\xe8ve')
    >>> say("nobody hears", None)
    False
    """
    if stream is None:  # Python sets a stream to None if its descriptor is closed at the start
        return False
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = getattr(stream, "encoding", None) or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except Exception:  # a full disk, a closed file, or anything that a stream of the user's own raises
        return False
    return True


def is_terminal(stream: TextIO) -> bool:
    """Whether a terminal is behind a stream, which may be closed, or have no such question."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def is_standard_output(stream: TextIO) -> bool:
    """Whether a stream writes to the process's descriptor 1.

    >>> is_standard_output(io.StringIO())
    False
    """
    try:
        return stream.fileno() == 1
    except (AttributeError, OSError, ValueError):
        return False


@contextmanager
def tolerant_output() -> Iterator[None]:
    """While inside, ``print`` fails neither for a letter nor for want of a stream; what is left is given up at the end.

    A program uses it around everything that it does.
    """
    _fill_descriptors()
    with ExitStack() as afterwards:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is None:
                setattr(sys, name, afterwards.enter_context(open(os.devnull, "w", encoding="utf-8")))
                afterwards.callback(setattr, sys, name, None)
            else:
                _spell_out(stream, afterwards)
                afterwards.callback(_settle, stream)
        yield


def _spell_out(stream: TextIO, afterwards: ExitStack) -> None:
    if isinstance(stream, io.TextIOWrapper) and not stream.closed:
        afterwards.callback(stream.reconfigure, errors=stream.errors)
        stream.reconfigure(errors="backslashreplace")


def _settle(stream: TextIO) -> None:
    """Flush; where that fails, let the rest go: the interpreter would try again, and end with exit code 120."""
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
            stream.flush()
    except (AttributeError, ValueError):  # the stream has no such method, or is closed
        return


def _fill_descriptors() -> None:
    """Open the descriptors 0, 1 and 2 if closed, or the next file opened would get one, and all that is printed."""
    number = 0
    while number < 3:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)


def wait_until_read(limit_s: float = 2.0, forward_s: float = 0.25) -> None:
    """Return when what was said on standard error has been read, and its reader had time to pass it on.

    A launcher drops what it has not passed on when it is told to end the job. Where standard error is no pipe, nobody
    has to read it.

    Parameters
    ----------
    limit_s : seconds, after which a reader that does not read is not waited for
    forward_s : seconds for it to pass on what it has read
    """
    try:
        unread, until = 1, time.monotonic() + limit_s
        while unread and time.monotonic() < until:
            count = fcntl.ioctl(sys.__stderr__.fileno(), termios.FIONREAD, b"\0" * 4)  # type: ignore[union-attr]
            unread = int.from_bytes(count, sys.byteorder)
            time.sleep(0.01)
        time.sleep(forward_s)
    except (AttributeError, OSError, ValueError):  # the stream is closed, replaced, or a file
        return
