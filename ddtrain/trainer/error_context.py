"""Adds to errors the step, rank and phase in which they were raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.errors import DdtrainError
from ddtrain.user_lines import user_line


class error_context:  # lower case like a function, because it is used as ``with error_context(...)``
    """While inside, errors get their place: ddtrain's errors in their ``place``, all others in a note.

    NaN and infinity give no warning, because rank 0 decides what to do about them.

    Parameters
    ----------
    doing : returns the phase, for the note
    place : further keys for ddtrain's errors, such as the rank, unless all ranks raise the same error
    """

    def __init__(self, doing: Callable[[], str], rank: int, step: int, /, **place: Any) -> None:
        self._doing, self._rank, self._step, self._place = doing, rank, step, place
        self._quiet = np.errstate(all="ignore")

    def __enter__(self) -> None:
        self._quiet.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._quiet.__exit__(None, None, None)
        if isinstance(error, DdtrainError):
            error.at(step=self._step, line=user_line(error.__traceback__), **self._place)
        elif isinstance(error, Exception):
            error.add_note(f"rank {self._rank}, step {self._step}, in {self._doing()}")
