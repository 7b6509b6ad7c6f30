"""Listening to the calls of compiled functions: which were made, with which arguments.

A plan lets a kernel run once under :class:`capture`, and from then on makes the same calls by itself, from C.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

_local = threading.local()
watched = 0  # captures under way in any thread, so that calls need not look for one where there is none


@dataclass
class Heard:
    """What was heard.

    Attributes
    ----------
    calls : (function, arguments) of each call, in order
    scratch : the work space that was asked for, whose contents count for nothing before and after
    """

    calls: list[tuple[Any, tuple[Any, ...]]] = field(default_factory=list)
    scratch: list[Any] = field(default_factory=list)


class capture:  # lower case like a function, because it is used as ``with capture() as heard``
    """Within the block, calls of compiled functions by this thread are made and noted.

    >>> with capture() as heard:
    ...     pass
    >>> heard
    Heard(calls=[], scratch=[])
    """

    def __enter__(self) -> Heard:
        global watched
        heard = Heard()
        self._around = heard_in_thread()
        _local.heard = heard
        watched += 1
        return heard

    def __exit__(self, *error: object) -> None:
        global watched
        watched -= 1
        _local.heard = self._around


def heard_in_thread() -> Heard | None:
    """Where this thread's calls are noted, or None."""
    return getattr(_local, "heard", None)
