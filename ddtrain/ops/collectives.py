"""Collectives inside a trace: a sum over ranks that can be differentiated.

Which ranks is a matter of context, not of the model: layers find the communicator of the step they run in.

Note [Cotangents of collectives]
Each rank differentiates its own loss, and a cotangent on rank r means the derivative of the *sum* of all ranks' losses.
With y = x_0 + x_1 + ... on every rank, the cotangent of x_r is then the sum of all ranks' cotangents of y: the VJP of
allreduce is allreduce, and so is its JVP. Mixing this with "derivative of my own loss" is wrong by a factor of the
number of ranks, which Adam hides.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain.autodiff import def_linear, defvjp, primitive
from ddtrain.autodiff.examples import case


class Collectives(Protocol):
    """What operations ask of a communicator; ``ddtrain.comm`` has the whole of it."""

    @property
    def rank(self) -> int: ...
    @property
    def size(self) -> int: ...
    def allreduce(self, buf: NDArray[Any]) -> None: ...
    def allgather(self, send: NDArray[Any], out: NDArray[Any]) -> None: ...


_current: ContextVar[Collectives | None] = ContextVar("communicator", default=None)


def communicator() -> Collectives | None:
    """The communicator of the step that runs here, for ``communicator().rank``; None outside of any.

    >>> communicator() is None
    True
    """
    return _current.get()


def peers() -> Collectives | None:
    """The communicator where there are ranks to speak to, else None: what operations ask."""
    comm = _current.get()
    return comm if comm is not None and comm.size > 1 else None


class use_communicator:  # a context manager, called like a function
    """Within the block, operations of this thread communicate through ``comm``; None: not at all.

    >>> with use_communicator(None):
    ...     float(allreduce(np.array(2.0)))
    2.0
    """

    def __init__(self, comm: Collectives | None) -> None:
        self.comm = comm

    def __enter__(self) -> None:
        self._token = _current.set(self.comm)

    def __exit__(self, *error: object) -> None:
        _current.reset(self._token)


def _allreduce(x: Any) -> Any:
    """The sum of ``x`` over all ranks, on all ranks, in rank order; x itself where there is one rank.

    Every rank must come here with the same shape and dtype, in the same order (Note [Cotangents of collectives]).

    >>> allreduce(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    comm = peers()
    if comm is None:
        return x
    total = np.array(x, order="C")
    comm.allreduce(total)
    return total


allreduce = primitive(_allreduce, name="allreduce", examples=lambda r: [case(r(3, 2)), case(r())])
defvjp(allreduce, lambda g, ans, x: allreduce(g))
def_linear(allreduce)
