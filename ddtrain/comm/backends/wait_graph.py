"""Words for what ranks wait for: which line, which ranks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

from ddtrain.source import calling_line, place

_HERE = str(Path(__file__).parent)


def line_of(thread: int) -> str:
    """The line that called into this package and is still there, as ``file.py:line``; ``thread`` is its identity."""
    frame = sys._current_frames().get(thread)
    while frame is not None and not _is_here(frame):  # the standard library's waiting
        frame = frame.f_back
    return caller_line(frame)


def caller_line(frame: FrameType | None) -> str:
    """The line outside this package that led to a frame within it, and the user's line that led there."""
    while frame is not None and _is_here(frame):
        frame = frame.f_back
    if frame is None:
        return "an unknown line"
    near, far = place(frame, frame.f_lineno), calling_line(frame)
    return f"{near} (from {far})" if far not in ("", near) else near


def ranks(numbers: list[int]) -> str:
    """Ranks in words.

    >>> ranks([2]), ranks([0, 1, 3])
    ('rank 2', 'ranks 0, 1 and 3')
    """
    if len(numbers) == 1:
        return f"rank {numbers[0]}"
    return f"ranks {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def _is_here(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_HERE)
