"""Which line of the user's something comes from: the user's own files, and the models and recipes that are read and
changed like them.
"""

from __future__ import annotations

import os
from types import FrameType, TracebackType

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MODELS = tuple(_PACKAGE + folder + os.sep for folder in ("models", "recipes"))


_STANDARD = os.path.dirname(os.__file__) + os.sep  # which also holds site-packages, and with it users' packages


def is_user_file(path: str) -> bool:
    """Whether a source file is the user's (or a model or recipe), not part of the machinery."""
    if path.startswith(_PACKAGE):
        return path.startswith(_MODELS)
    return not path.startswith("<") and (not path.startswith(_STANDARD) or "site-packages" in path)


def user_line(trace: TracebackType | None) -> str:
    """``file.py:31`` of the innermost user frame of an error, or "" when there is none."""
    found = ""
    while trace is not None:
        if is_user_file(trace.tb_frame.f_code.co_filename):
            found = place(trace.tb_frame, trace.tb_lineno)
        trace = trace.tb_next
    return found


def calling_line(frame: FrameType | None) -> str:
    """``file.py:31`` of the innermost user frame that led to ``frame``, or "" when there is none."""
    while frame is not None:
        if is_user_file(frame.f_code.co_filename):
            return place(frame, frame.f_lineno)
        frame = frame.f_back
    return ""


def place(frame: FrameType, line: int) -> str:
    """A frame's file, without its folders, and a line."""
    return f"{os.path.basename(frame.f_code.co_filename)}:{line}"
