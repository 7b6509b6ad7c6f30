"""The exact sum: the default, and the template for other hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from numpy.typing import DTypeLike

from ddtrain.comm.backends.local import DoneWork
from ddtrain.comm.protocol import Communicator, Work
from ddtrain.parallel.hooks.bytes_sent import allreduce_bytes
from ddtrain.parallel.hooks.grad_bucket import Array, GradBucket
from ddtrain.parallel.hooks.hook import HookConfig


class ExactSum:
    """The sum over the ranks in the communicator's fixed order, to the last bit whatever the bucket size.

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     bucket = GradBucket(np.array([comm.rank + 1.0]), start=0)
    ...     ExactSum()(bucket, comm).wait()
    ...     if comm.rank == 0:
    ...         print(bucket.gradients)
    >>> run_ranks("threads:3", main)
    [6.]
    0
    """

    name: ClassVar[str] = "exact"
    exact: ClassVar[bool] = True
    residuals: ClassVar[tuple[str, ...]] = ()
    waited_s = 0.0

    def __init__(self) -> None:
        self.bytes_sent = self.bytes_exact = 0

    def connect(self, comm: Communicator) -> None:
        """Nothing: it uses the communicator that it is given."""

    def __call__(self, bucket: GradBucket, comm: Communicator) -> Work:
        """Begin the sum in place."""
        nbytes = allreduce_bytes(bucket.gradients.nbytes, comm.size)
        self.bytes_sent += nbytes
        self.bytes_exact += nbytes
        return comm.iallreduce(bucket.gradients)

    def progress(self) -> None:
        """Nothing: there is one stage."""

    def state_dict(self) -> dict[str, Array]:
        """Nothing: it remembers nothing."""
        return {}

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Nothing to load."""

    def snapshot(self) -> None:
        """Nothing to keep."""

    def roll_back(self) -> None:
        """Nothing to undo."""

    def unsent(self) -> None:
        """Nothing: all was sent."""

    def set_unsent(self, unsent: Array) -> None:
        """Nothing to keep: it has no state."""


class NoopHook(ExactSum):
    """No exchange between nodes: each goes on with its own sum, in modes that average parameters instead.

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     bucket = GradBucket(np.array([comm.rank + 1.0]), start=0)
    ...     NoopHook()(bucket, comm).wait()
    ...     if comm.rank == 2:
    ...         print(bucket.gradients)
    >>> run_ranks("threads:3", main)
    [3.]
    0
    """

    name: ClassVar[str] = "noop"
    exact: ClassVar[bool] = False

    def __call__(self, bucket: GradBucket, comm: Communicator) -> Work:
        """Nothing to begin."""
        self.bytes_exact += allreduce_bytes(bucket.gradients.nbytes, comm.size)
        return DoneWork()


def make(config: HookConfig, count: int, dtype: DTypeLike) -> ExactSum:
    """The exact sum, which has no options."""
    return ExactSum()
