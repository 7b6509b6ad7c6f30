"""A gradient leaves the program: the one instruction whose result goes to whoever runs it."""

from __future__ import annotations

from typing import Any, Protocol


class Sinks(Protocol):
    """Where gradients go, by number; ``sinks[i](g)`` takes gradient ``i``, or None for one that is zero.

    Sinks that only copy a gradient into an array may say so, so that C does it:
    """

    def __getitem__(self, i: int) -> Any: ...
    def target(self, i: int) -> Any:
        """The array into which gradient ``i`` is to be copied, or None where it must be called."""
        ...

    def ready(self, *gradients: int) -> None:
        """Called when these have been copied."""
        ...

    def completes(self, i: int) -> bool:
        """Whether somebody waits for gradient ``i``, if those delivered before it have come."""
        ...


def deliver(sinks: Any, i: int, g: Any) -> None:
    """Hand gradient ``i`` to its sink."""
    sinks[i](g)
