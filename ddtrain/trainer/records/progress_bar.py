"""One frame of the progress bar: a line that overwrites the last one."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.text import Text

_ERASE_REST = "\x1b[K"  # clears the rest of the line, in case the last frame was longer
_LEAST_COLUMNS, _MOST_COLUMNS = 4, 40  # width of the bar itself


def frame(stream: TextIO, columns: int, label: str, fraction: float, figures: str) -> str:
    """The text that shows ``label``, a bar filled by ``fraction``, and ``figures``, within the terminal's columns.

    Rich chooses the colours that the terminal has, and none under NO_COLOR.

    >>> import io
    >>> from rich.text import Text
    >>> Text.from_ansi(frame(io.StringIO(), 40, "epoch 1/2", 0.5, "loss 0.25").strip()).plain
    'epoch 1/2 ━━━━━━━━━━─────────  loss 0.25'
    """
    console = Console(file=stream, force_terminal=True, width=columns, legacy_windows=False)
    # The last column stays free: a character there moves some terminals to the next line.
    room = columns - 1 - len(label) - len(figures) - 2
    width = min(max(room, _LEAST_COLUMNS), _MOST_COLUMNS)
    filled = round(width * min(max(fraction, 0.0), 1.0))
    full, empty = ("#", "-") if console.options.ascii_only else ("━", "─")
    bar = (full * filled, "green"), (empty * (width - filled), "dim")
    text = Text.assemble((label, "bold"), " ", *bar, " ", figures)
    text.truncate(columns - 1)
    with console.capture() as capture:
        console.print(text, end="", no_wrap=True, crop=False, highlight=False)
    return f"\r{capture.get()}{_ERASE_REST}"
