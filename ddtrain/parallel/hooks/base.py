"""What hooks have in common: the memory of what was not sent, the account of bytes, and the start of an exchange.

Note [Error feedback]
A hook that sends less than the gradient keeps the rest, adds it to the next gradient, and sends from that sum. So
nothing is lost, only late: over any number of steps, what was applied plus what all ranks still hold is the sum of
all gradients, to rounding. (Seide et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847: with it, any compressor
that moves towards its input converges at the rate of SGD.)
An element that is NaN or infinite is sent as such and leaves no memory: the coordinator will skip the step or end
the run. A step that is skipped is undone: what it sent was not applied, and what it left out is not to be.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.backends.local import DoneWork
from ddtrain.comm.protocol import Communicator, Work
from ddtrain.parallel.hooks.exchange_stages import StagedWork, Stages, drive
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
        """Begin what can begin of the exchanges under way, between two buckets of computation."""
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


class ErrorFeedback:
    """A hook that sends an approximation and keeps the rest (Note [Error feedback]). Subclasses write ``exchange``.

    Parameters
    ----------
    count, dtype : of the flat gradient vector
    """

    name: ClassVar[str]
    exact: ClassVar[bool] = False
    residuals: ClassVar[tuple[str, ...]] = ("residual",)

    def __init__(self, count: int, dtype: DTypeLike) -> None:
        self.bytes_sent = self.bytes_exact = 0
        self.residual = np.zeros(count, dtype)  # pages outside this rank's buckets are never touched, and cost nothing
        self._ahead: deque[StagedWork] = deque()
        self._second: Communicator | None = None
        self._snapshot: dict[str, Array] = {}

    def connect(self, comm: Communicator) -> None:
        """Make the channel of second stages (Note [Second stage])."""
        if self._second is None and comm.size > 1:
            self._second = comm.duplicate()

    @property
    def waited_s(self) -> float:
        """Seconds blocked in second stages."""
        return self._second.waited_s if self._second is not None else 0.0

    def __call__(self, bucket: GradBucket, comm: Communicator) -> Work:
        """Begin an exchange. A single rank needs none: its sum is exact, and what was left unsent is added to it."""
        if comm.size == 1:
            self._add_residuals(bucket)
            return DoneWork()
        assert self._second is not None, "the hook is connected"
        self.bytes_exact += allreduce_bytes(bucket.gradients.nbytes, comm.size)
        return StagedWork(self.exchange(bucket, comm, self._second), self._ahead)

    def _add_residuals(self, bucket: GradBucket) -> None:
        """Add what earlier steps, on more ranks, left out."""
        for name in self.residuals:
            residual = getattr(self, name)[bucket.span]
            if residual.any():
                bucket.gradients[...] += residual
                residual[...] = 0

    def exchange(self, bucket: GradBucket, comm: Communicator, second: Communicator) -> Stages:
        """Yield each collective that the next line needs: one on ``comm``, then perhaps one on ``second``."""
        raise NotImplementedError

    def progress(self) -> None:
        """Begin the second stages of exchanges whose first has arrived."""
        drive(self._ahead)

    def state_dict(self) -> dict[str, Array]:
        """The residual, at each element's place in the flat gradient vector."""
        return {"residual": self.residual.copy()}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take up a saved state."""
        self.residual[...] = state["residual"]

    def snapshot(self) -> None:
        """Copy the state."""
        self._snapshot = self.state_dict()

    def roll_back(self) -> None:
        """Take up the copy."""
        self.load_state_dict(self._snapshot)

    def unsent(self) -> Array | None:
        """The residual."""
        return self.residual

    def set_unsent(self, unsent: Array) -> None:
        """Keep this as the residual, and nothing else."""
        self.residual[...] = unsent


def update_residual(residual: Array, wanted: Array, sent: Array) -> None:
    """The new residual: what was wanted less what was sent, and nothing where that is not finite."""
    np.subtract(wanted, sent, out=residual)
    finite = np.isfinite(residual)
    if not finite.all():
        residual[~finite] = 0


def allreduce_bytes(nbytes: int, size: int) -> int:
    """Bytes that each of ``size`` ranks sends so that all get a sum of ``nbytes``: its slice twice to all others.

    >>> allreduce_bytes(1000, 2), allreduce_bytes(1000, 4)
    (1000, 1500)
    """
    return 2 * nbytes * (size - 1) // size


def allgather_bytes(nbytes: int, size: int) -> int:
    """Bytes that each of ``size`` ranks sends so that all get its ``nbytes``."""
    return nbytes * (size - 1)
