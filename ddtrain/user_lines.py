"""The line of the user's own code that a call or an error comes from.

The user's code is their own files, and the models and recipes of this package, which users read and change. An
installed package is named only if no file is the user's own.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from types import FrameType, TracebackType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MODELS = tuple(_PACKAGE + folder + os.sep for folder in ("models", "recipes"))
_STANDARD = os.path.dirname(os.__file__) + os.sep  # the standard library; site-packages is inside it
_SCRIPTS = sysconfig.get_path("scripts") + os.sep  # installed commands: scripts of two lines that start a package
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
# the libraries below this package, whose frames are never the user's
_BENEATH = tuple(f"{where}{name}{os.sep}" for where in _INSTALLED for name in ("numpy", "scipy"))


@cache
def is_user_file(path: str) -> bool:
    """Whether a source file is the user's own (or a model or recipe), not part of the machinery."""
    if path.startswith(_PACKAGE):
        return path.startswith(_MODELS)
    apart = path.startswith(("<", _STANDARD, _SCRIPTS)) or path.endswith(".pyx")
    return not apart and not any(where in path for where in _INSTALLED)


@cache
def is_installed_file(path: str) -> bool:
    """Whether a source file belongs to a package that the user installed and that calls us."""
    installed = any(where in path for where in _INSTALLED) and not any(where in path for where in _BENEATH)
    return installed and not path.startswith(_PACKAGE)


def user_line(trace: TracebackType | None) -> str:
    """``file.py:31`` of the innermost user frame of an error, or "" when there is none."""
    passed = []
    while trace is not None:
        passed.append((trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return _innermost(reversed(passed))


def calling_line(frame: FrameType | None) -> str:
    """``file.py:31`` of the innermost user frame that led to ``frame``, or "" when there is none."""
    return _innermost((frame, frame.f_lineno) for frame in _outwards(frame))


def library_call(frame: FrameType | None) -> str:
    """``scipy.special.logsumexp``: the function or class of a library that led to ``frame``, called by the user or us.

    Returns
    -------
    "" where the user, or we, did it without one
    """
    name = ""
    for caller in _outwards(frame):
        path = caller.f_code.co_filename
        if is_user_file(path) or path.startswith(_PACKAGE):
            break
        module = str(caller.f_globals.get("__name__", ""))
        of_module = caller.f_code.co_qualname.rpartition("<locals>.")[2]
        name = f"{module.partition('._')[0]}.{of_module.partition('.__')[0]}"
    return name


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _innermost(frames: Iterable[tuple[FrameType, int]]) -> str:
    """The place of the first frame that is the user's own; or else of an installed package."""
    installed = ""
    for frame, line in frames:
        path = frame.f_code.co_filename
        if is_user_file(path):
            return place(frame, line)
        if not installed and is_installed_file(path):
            installed = place(frame, line)
    return installed


def place(frame: FrameType, line: int) -> str:
    """A frame's file, without its folders, and a line."""
    return f"{os.path.basename(frame.f_code.co_filename)}:{line}"
