"""What a hook is, and which options it may read. ``exact.py`` is the shortest one, and the template for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from ddtrain.comm.protocol import Communicator, Work
from ddtrain.parallel.hooks.grad_bucket import Array, GradBucket


class HookConfig(Protocol):
    """The options a hook may read: the section ``comm`` of the configuration."""

    @property
    def hook(self) -> str: ...
    @property
    def topk_fraction(self) -> float: ...
    @property
    def powersgd_rank(self) -> int: ...


class Hook(Protocol):
    """How a bucket's gradients become the sum over the ranks, or something near it.

    Attributes
    ----------
    name : its key in the table of hooks
    exact : whether the sum has the bits of the exact one
    residuals : names of the arrays in its state that hold gradients not yet sent
    bytes_sent, bytes_exact : bytes that this rank has sent so far, and that it would have sent for exact sums; for
        each collective, the least that an algorithm for it can send
    """

    name: ClassVar[str]
    exact: ClassVar[bool]
    residuals: ClassVar[tuple[str, ...]]
    bytes_sent: int
    bytes_exact: int

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has been blocked on the hook's own channels."""
        ...

    def connect(self, comm: Communicator) -> None:
        """Make the hook's own channels between the ranks of ``comm``. Collective; called before the first exchange.

        Never call it during a step: ranks come to a bucket at different times, and a rank that waited here for the
        others could be the one that they wait for elsewhere.
        """
        ...

    def __call__(self, bucket: GradBucket, comm: Communicator) -> Work:
        """Begin an exchange; when the work is done, the bucket holds the same bits on all ranks of ``comm``."""
        ...

    def progress(self) -> None:
        """Start every further stage that can start; called between two pieces of computation."""
        ...

    def state_dict(self) -> dict[str, Array]:
        """Copies of the arrays that this rank remembers between steps, by name."""
        ...

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Load a saved state."""
        ...

    def snapshot(self) -> None:
        """Remember the state, because the step that begins may be skipped."""
        ...

    def roll_back(self) -> None:
        """Go back to the state of the last :meth:`snapshot`, because the step since then was skipped."""
        ...

    def unsent(self) -> Array | None:
        """What this rank has not yet sent, a vector as long as the gradient; None if it always sends everything."""
        ...

    def set_unsent(self, unsent: Array) -> None:
        """Replace the state by this unsent rest, because a run is resumed on other ranks."""
        ...
