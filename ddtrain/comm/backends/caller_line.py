"""The line of the program at which a rank waits, for the messages that show who waits for whom."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

from ddtrain.user_lines import calling_line, place

_COMM = str(Path(__file__).parents[1])


def line_of(thread: int) -> str:
    """The line that called into this package in a thread, as ``file.py:line``; ``thread`` is the thread's ident."""
    frame = sys._current_frames().get(thread)
    while frame is not None and not _is_here(frame):  # skip this package and the standard library's waiting
        frame = frame.f_back
    return caller_line(frame)


def caller_line(frame: FrameType | None) -> str:
    """The innermost line outside this package above ``frame``, and the user's line above that."""
    while frame is not None and _is_here(frame):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    near, far = place(frame, frame.f_lineno), calling_line(frame)
    return f"{near} (from {far})" if far not in ("", near) else near


def _is_here(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_COMM)
