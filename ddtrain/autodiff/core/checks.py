"""Checks of values: what raises an error where an array holds something that an operation cannot take.

Note [Checks under a record]
A check looks at entries, which a trace that records would not see, so that it would be made once and never again. So
checks are called through :func:`checked`, and such a trace writes them down as it does operations: they are made in
every repeat, before the kernels that rely on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain.autodiff.core.boxes import BOXES, is_recorded


def checked(name: str, check: Callable[..., None], *args: Any) -> None:
    """Call ``check(*args)``, which returns nothing or raises; a trace that records repeats it.

    Arguments that are traced are plain arrays to the check, whatever follows them.

    >>> import numpy as np
    >>> def positive(x):
    ...     if (x <= 0).any():
    ...         raise ValueError("not positive")
    >>> checked("check positive", positive, np.ones(2))
    """
    bare = [_without_derivatives(a) for a in args]
    recorder = next((a._trace for a in bare if type(a) in BOXES), None)
    if recorder is None:
        check(*bare)
    else:
        recorder.call(name, check, *bare, effect=True)


def _without_derivatives(x: Any) -> Any:
    """The plain array in ``x``, or its box by the trace that records."""
    if not is_recorded(x):
        while type(x) in BOXES:
            x = x.value
        return x
    while not x._trace.records:
        x = x.value
    return x
