"""Communication hooks: how one bucket's gradients become the sum over all ranks.

A hook takes the bucket's piece of the gradient vector and starts the exchange; when the work it returns is done,
the piece holds the sum. This one is exact, and the template for others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddtrain.comm.protocol import Communicator, Work

Hook = Callable[[Any, Communicator], Work]


def exact_sum(gradients: Any, comm: Communicator) -> Work:
    """The sum in rank order, to the last bit whatever the bucket size."""
    return comm.iallreduce(gradients)
