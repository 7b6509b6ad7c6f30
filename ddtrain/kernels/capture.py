"""Listening to the calls of compiled functions: which were made, with which arguments.

A plan lets a kernel run once under :class:`capture`, and from then on makes the same calls by itself, from C.
"""

from __future__ import annotations

import threading
from typing import Any

Calls = list[tuple[Any, tuple[Any, ...]]]
_local = threading.local()
watched = 0  # captures under way in any thread, so that calls need not look for one where there is none


class capture:  # lower case like a function, because it is used as ``with capture() as calls``
    """Within the block, calls of compiled functions by this thread are made and noted: (function, arguments).

    >>> with capture() as calls:
    ...     pass
    >>> calls
    []
    """

    def __enter__(self) -> Calls:
        global watched
        calls: Calls = []
        self._around = getattr(_local, "calls", None)
        _local.calls = calls
        watched += 1
        return calls

    def __exit__(self, *error: object) -> None:
        global watched
        watched -= 1
        _local.calls = self._around


def calls_of_thread() -> Calls | None:
    """Where this thread's calls are noted, or None."""
    return getattr(_local, "calls", None)
