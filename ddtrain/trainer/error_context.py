"""Errors say at which step, on which rank and in which phase they came up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.errors import DdtrainError
from ddtrain.user_lines import user_line


class error_context:  # lower case like a function, because it is used as ``with error_context(...)``
    """Within this, an error says where it came from: one of ddtrain's in its place, any other by a note.

    NaN and infinity bring no warning: what they lead to is rank 0's decision.

    Parameters
    ----------
    doing : tells the phase, for the note
    place : of an error of ddtrain's, besides the step; without the rank where all ranks raise the same one
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
