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
    name : in the table of hooks
    exact : the sum is the exact one, bit for bit
    residuals : the names in its state whose arrays hold gradients that have not been sent yet
    bytes_sent, bytes_exact : what this rank has sent so far, and what it would have sent for exact sums, counted as
        an allreduce in two stages, an allgather and an all-to-all need at least
    """

    name: ClassVar[str]
    exact: ClassVar[bool]
    residuals: ClassVar[tuple[str, ...]]
    bytes_sent: int
    bytes_exact: int

    @property
    def waited_s(self) -> float:
        """Seconds that this rank has been blocked on a channel of the hook's own."""
        ...

    def connect(self, comm: Communicator) -> None:
        """Make the channels of the hook's own among the ranks of ``comm``. Collective; before the first exchange.

        Not during a step: each rank comes to a bucket when its own node has finished it, and a rank that waited there
        for the others could be the one that they wait for.
        """
        ...

    def __call__(self, bucket: GradBucket, comm: Communicator) -> Work:
        """Begin an exchange; when the work is done, the bucket holds the same bits on all ranks of ``comm``."""
        ...

    def progress(self) -> None:
        """Begin what can begin of the exchanges under way, between two pieces of computation."""
        ...

    def state_dict(self) -> dict[str, Array]:
        """What this rank remembers between steps: arrays by name, copies."""
        ...

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take up a saved state."""
        ...

    def snapshot(self) -> None:
        """Remember the state: a step begins that may be skipped."""
        ...

    def roll_back(self) -> None:
        """Go back to the state of the last :meth:`snapshot`, because the step since then was skipped."""
        ...

    def unsent(self) -> Array | None:
        """What this rank has not sent so far, a vector as long as the gradient; None if it always sends all."""
        ...

    def set_unsent(self, unsent: Array) -> None:
        """Forget the state, and take this for what was left out: a run goes on with other ranks."""
        ...
