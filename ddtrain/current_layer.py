"""The layer of a model that is running: set by modules, read by collectives and errors inside the model to name it.

A collective may be made when its layer is long done, as those of a backward pass are; whoever makes it remembers the
layer it is of, and says so again with :class:`use_layer`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# path of the running layer in the model; empty outside any layer
LAYER: ContextVar[str] = ContextVar("layer", default="")


class use_layer:  # lower case like a function, because it is used as ``with use_layer(...)``
    """Within the block, this layer is at work.

    >>> with use_layer("head"):
    ...     LAYER.get()
    'head'
    """

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def __enter__(self) -> None:
        self._token = LAYER.set(self.layer)

    def __exit__(self, *error: object) -> None:
        LAYER.reset(self._token)


def communicates(function: F) -> F:
    """Mark a function that exchanges something with other ranks: not to be called where they do not call it, too.

    >>> communicates(lambda x: x).communicates
    True
    """
    function.communicates = True  # type: ignore[attr-defined]
    return function
