"""Collectives inside a trace: sums over ranks that can be differentiated.

Which ranks is a matter of context, not of the model: layers find the communicator of the step they run in. A step of
a trace keeps the one it was made with, for a derivative of a derivative may be walked when the context has ended.

Note [Cotangents of collectives]
Each rank differentiates its own loss, and a cotangent on rank r means the derivative of the *sum* of all ranks' losses.
With y = x_0 + x_1 + ... on every rank, the cotangent of x_r is then the sum of all ranks' cotangents of y: the VJP of
allreduce is allreduce, and so is its JVP. Mixing this with "derivative of my own loss" is wrong by a factor of the
number of ranks, which Adam hides.

Note [One value, or one a rank]
That holds for what every rank has of its own: samples, activations, losses. Parameters, the mean loss and its gradient
are *one* value, that all ranks happen to hold, and a cotangent of such a value is one value, too: the derivative of one
function, not of P equal ones. Two operations lead from one world into the other, each the transpose of the other:

    fan_out  one value -> a copy on every rank     free; its VJP sums the copies' cotangents over ranks (fan_in)
    fan_in   one a rank -> the sum, one value      a sum; its VJP hands the cotangent to every rank (fan_out), free

Both are linear, hence their own JVPs, and ``allreduce(x)`` is ``fan_out(fan_in(x))``, whose transpose is itself. The
mean loss of parameters w is F(w) = fan_in(own loss(fan_out(w))), and all else follows by the chain rule:

- a gradient is summed over ranks once, where it leaves through fan_out. In F'(w) = fan_in(own gradient(fan_out(w)))
  that sum is the fan_in, and inside, nothing but the model's allreduces communicates;
- a tangent v of w is the same on all ranks, and is not summed on its way in: the tangent of fan_out is fan_out;
- a cotangent of F is 1 on every rank, and is not summed on its way in, or the result is P times too large;
- F''(w) v is fan_in(tangent of own gradient), one sum again and not two: the tangent of a sum is the sum of tangents.
  The model's allreduces have been differentiated twice by then, and each is still an allreduce;
- so on to any order, because the rules of fan_in and fan_out are made of fan_out and fan_in.

What is one value must enter through fan_out: a function that captures it has a derivative that is each rank's own part.

Note [All ranks come to a derivative's collectives]
A rank's part may not depend on the parameters at all, as where it has no samples and returns a constant. Its trace then
ends before fan_out, and in an outer derivative the others would wait for it there. So parts are ``tied`` to the
parameters: counted as functions of them, and so are all their derivatives, though with a derivative of zero.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ddtrain.autodiff import Array, def_linear, defjvp, defjvp_rest, defvjp, defvjp_rest, primitive, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.current_layer import LAYER, communicates, use_layer


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

    A model and a loss have one while a run calls them. The function that builds a task has none, on any number of
    ranks: it makes the same task on every rank, which shares out the samples of each batch by itself.

    >>> def build(config):
    ...     return communicator()  # not yet
    >>> build(None) is None
    True
    >>> def loss(model, x):
    ...     return model(x) * (communicator().size if communicator() else 1)
    >>> loss(lambda x: x, 3.0)
    3.0
    """
    return _current.get()


def peers() -> Collectives | None:
    """The current communicator if it has several ranks, else None; operations ask this."""
    comm = _current.get()
    return comm if comm is not None and comm.size > 1 else None


class use_communicator:  # lower case like a function, because it is used as ``with use_communicator(...)``
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


@communicates
def _summed(x: Any, comm: Collectives | None = None, layer: str = "") -> Any:
    if comm is None or comm.size == 1:
        return x
    total = np.array(x, order="C")
    with use_layer(layer):
        comm.allreduce(total.reshape(-1))
    return total


_allreduce = primitive(_summed, name="allreduce", examples=lambda r: [case(r(3, 2)), case(r())])
defvjp(_allreduce, lambda g, ans, x, comm=None, layer="": _allreduce(g, comm, layer))
def_linear(_allreduce)


def allreduce(x: Array) -> Array:
    """The sum of ``x`` over all ranks, on all ranks, in rank order; x itself where there is one rank.

    Every rank must come here with the same shape and dtype, in the same order (Note [Cotangents of collectives]).

    >>> allreduce(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    return _allreduce(x, peers(), LAYER.get())


def _same(x: Array, comm: Collectives | None = None) -> Array:
    """``x``, which is the same on all ranks of ``comm``, as each rank's own copy (Note [One value, or one a rank]).

    >>> fan_out(2.0)
    2.0
    """
    return x


@communicates
def _over_ranks(x: Array, comm: Collectives | None = None) -> Array:
    """The sum of every rank's ``x``, as one value (Note [One value, or one a rank]); without ``comm``, x itself.

    Differs from :func:`allreduce` in what its derivative is taken to mean, not in its value.

    >>> fan_in(2.0)
    2.0
    """
    return _summed(x, comm, LAYER.get())


fan_out = primitive(_same, name="fan_out", examples=lambda r: [case(r(3, 2))])
fan_in = primitive(_over_ranks, name="fan_in", examples=lambda r: [case(r(3, 2))])
defvjp(fan_out, lambda g, ans, x, comm=None: fan_in(g, comm))
defvjp(fan_in, lambda g, ans, x, comm=None: fan_out(g, comm))
def_linear(fan_out)
def_linear(fan_in)


def _first(x: Any, *others: Any) -> Any:
    """``x``, declared to depend on ``others`` too (Note [All ranks come to a derivative's collectives]).

    >>> from ddtrain.autodiff import grad
    >>> grad(lambda y: tied(np.array(3.0), y))(2.0)
    array(0.)
    """
    return x


def _nothing(x: Any, *others: Any) -> Any:
    x = value_of(x)
    return tied(np.zeros(x.shape, x.dtype), *others)


# examples vary x alone, because the derivative by the others is zero
tied = primitive(_first, name="tied", examples=lambda r: [case(r(3, 2))])
defvjp(tied, lambda g, ans, x, *others: tied(g, *others))
defjvp(tied, lambda g, ans, x, *others: tied(g, *others))
defvjp_rest(tied, lambda argnum: lambda g, ans, x, *others: _nothing(others[argnum - 1], g, *others))
defjvp_rest(tied, lambda argnum: lambda g, ans, x, *others: _nothing(ans, g, *others))
