"""Small collectives, inside the model and for rank 0's decisions: the ranks' calls are compared before data is used.

Ranks that share memory write and read it (``shared_memory.py``); others send messages (``messages.py``).
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from ddtrain.comm.protocol import Communicator, Node
from ddtrain.parallel.collectives.call_signatures import Tag
from ddtrain.parallel.collectives.messages import MessageCollectives
from ddtrain.parallel.collectives.shared_memory import SharedMemoryCollectives

Array = NDArray[Any]


class SmallCollectives(Protocol):
    """What shards and the coordinator ask of a communicator: the same calls on all ranks, in one order (Note [Tags]).

    The tag of a call is made of its operation, its buffer and the running layer, unless the caller gives one.

    Raises
    ------
    ReplicaError : ranks call different things
    """

    rank: int
    size: int

    @property
    def waited_s(self) -> float: ...
    def allreduce(self, buf: Array) -> None: ...
    def allgather(self, send: Array, out: Array, tag: Tag | None = None) -> None: ...
    def broadcast(self, buf: Array, root: int = 0) -> None: ...
    def end_pass(self) -> None:
        """Say that this rank has made all its calls of a pass through the model. Does not wait for other ranks."""
        ...


def make_small_collectives(comm: Communicator, node: Node, counter: int) -> SmallCollectives:
    """The communicator's small collectives, through shared memory if all ranks share it, else by messages. Collective.

    Parameters
    ----------
    comm : owned by the returned object from now on
    counter : a counter of the node that nothing else uses

    >>> import numpy as np
    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     collectives = make_small_collectives(comm, comm.split_nodes(), counter=0)
    ...     buf = np.full(1, comm.rank + 1.0)
    ...     collectives.allreduce(buf)
    ...     if comm.rank == 0:
    ...         print(buf)
    >>> run_ranks("threads:3", main)
    [6.]
    0
    """
    in_memory = node.size == comm.size > 1
    return SharedMemoryCollectives(comm, node, counter) if in_memory else MessageCollectives(comm)
