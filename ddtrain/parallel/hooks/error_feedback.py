"""The base of hooks that send less than the gradient: what was not sent is kept, and added to the next gradient.

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
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.comm.backends.local import DoneWork
from ddtrain.comm.protocol import Communicator, Work
from ddtrain.parallel.hooks.bytes_sent import allreduce_bytes
from ddtrain.parallel.hooks.exchange_stages import StagedWork, Stages, drive
from ddtrain.parallel.hooks.grad_bucket import Array, GradBucket


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
        # pages outside this rank's buckets are never touched, so they take no memory
        self.residual = np.zeros(count, dtype)
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
        """Begin an exchange. A single rank exchanges nothing: it only adds what it has not sent to its gradient."""
        if comm.size == 1:
            self._add_residuals(bucket)
            return DoneWork()
        assert self._second is not None, "the hook is connected"
        self.bytes_exact += allreduce_bytes(bucket.gradients.nbytes, comm.size)
        return StagedWork(self.exchange(bucket, comm, self._second), self._ahead)

    def _add_residuals(self, bucket: GradBucket) -> None:
        """Add the residuals that earlier steps on more ranks have left."""
        for name in self.residuals:
            residual = getattr(self, name)[bucket.span]
            if residual.any():
                bucket.gradients[...] += residual
                residual[...] = 0

    def exchange(self, bucket: GradBucket, comm: Communicator, second: Communicator) -> Stages:
        """A generator that yields each collective it must wait for: one on ``comm``, then perhaps one on ``second``."""
        raise NotImplementedError

    def progress(self) -> None:
        """Begin the second stages of exchanges whose first has arrived."""
        drive(self._ahead)

    def state_dict(self) -> dict[str, Array]:
        """The residual, at each element's place in the flat gradient vector."""
        return {"residual": self.residual.copy()}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Load a saved state."""
        self.residual[...] = state["residual"]

    def snapshot(self) -> None:
        """Copy the state."""
        self._snapshot = self.state_dict()

    def roll_back(self) -> None:
        """Restore the copy."""
        self.load_state_dict(self._snapshot)

    def unsent(self) -> Array | None:
        """The residual."""
        return self.residual

    def set_unsent(self, unsent: Array) -> None:
        """Take this as the residual, and forget all other state."""
        self.residual[...] = unsent


def update_residual(residual: Array, wanted: Array, sent: Array) -> None:
    """Set ``residual`` to ``wanted - sent``, and to 0 where that is not finite."""
    np.subtract(wanted, sent, out=residual)
    finite = np.isfinite(residual)
    if not finite.all():
        residual[~finite] = 0
