"""``checkpoint``: save memory by not keeping a function's steps, and run it again when its derivative is wanted.

Note [Run again]
A second run must do the same as the first, although counters have moved on. Code that counts calls, such as dropout,
which draws a new mask in each, gets its number from ``remembered``: the first run writes it into the checkpoint's
journal, and later runs read it there. Code that must run once, such as an update of running statistics, asks
``running_again``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from ddtrain import tree
from ddtrain.autodiff.core.boxes import BOXES, top_trace, value_of
from ddtrain.autodiff.core.examples import case
from ddtrain.autodiff.core.forward import push_forward
from ddtrain.autodiff.core.outputs import Outputs, pack, unpack
from ddtrain.autodiff.core.primitives import primitive
from ddtrain.autodiff.core.reverse import record, walk_back
from ddtrain.autodiff.core.rules import defjvp_rest
from ddtrain.autodiff.operators.argnums import Result, called
from ddtrain.errors import DerivativeError

T = TypeVar("T")


@dataclass(slots=True)
class _Journal:
    """What one run of a checkpoint remembers (Note [Run again])."""

    entries: list[Any]
    read: Iterator[Any] | None  # the entries that a repeated run takes again; None in the first run
    around: _Journal | None  # the journal of the enclosing checkpoint, if the first run was inside one

    def take(self, make: Callable[[], Any]) -> Any:
        if self.read is not None:
            return next(self.read)
        value = make() if self.around is None else self.around.take(make)
        self.entries.append(value)
        return value


_JOURNAL: ContextVar[_Journal | None] = ContextVar("journal", default=None)


def remembered(make: Callable[[], T]) -> T:
    """The result of ``make()``; in a second run of a :func:`checkpoint`, its result in the first run."""
    journal = _JOURNAL.get()
    if journal is None:
        return make()
    try:
        value: T = journal.take(make)
    except StopIteration:
        raise DerivativeError("checkpoint: the function did more in its second run than in its first") from None
    return value


def running_again() -> bool:
    """Whether a checkpoint's function is being run again for the backward pass."""
    journal = _JOURNAL.get()
    while journal is not None and journal.read is None:
        journal = journal.around
    return journal is not None


def checkpoint(fun: Callable[..., Any]) -> Callable[..., Any]:
    """``fun`` as one step of a tape, which keeps only the arguments and runs ``fun`` again in the backward pass.

    Parameters
    ----------
    fun : takes and returns any structures; traced values must be among its arguments, and a second run must do the same
        as the first (draw random numbers outside; the dropout of ``ddtrain.nn`` drops the same units again)

    Returns
    -------
    The same function. Reverse mode keeps only its arguments and its result, at the cost of a second run; checkpoints
    within checkpoints keep still less and take longer. Forward mode keeps nothing anyway.

    Raises
    ------
    DerivativeError : ``fun`` uses a traced value that is not among its arguments

    References
    ----------
    Chen et al., Training deep nets with sublinear memory cost, arXiv:1604.06174.

    >>> from ddtrain import grad
    >>> grad(checkpoint(lambda x: x * x * x))(2.0)
    array(12.)
    """

    @wraps(fun)
    def recomputed(*args: Any, **kwargs: Any) -> Any:
        leaves, rebuild = tree.flatten((args, kwargs))
        moving = [k for k, leaf in enumerate(leaves) if type(leaf) in BOXES]
        top = top_trace(leaves)
        if top is None or not top.fuses:
            return fun(*args, **kwargs)
        result, context = Result("checkpoint", fun), copy_context()
        entries: list[Any] = []

        def of_traced(journal: _Journal, *values: Any) -> Any:
            full = list(leaves)
            for k, value in zip(moving, values, strict=True):
                full[k] = value
            args, kwargs = rebuild(full)
            token = _JOURNAL.set(journal)
            try:
                return result.take(fun(*args, **kwargs))
            finally:
                _JOURNAL.reset(token)

        stripped = min(level for k in moving for level in _levels(leaves[k]))

        def first_run(*values: Any) -> Any:
            out = of_traced(_Journal(entries, None, _JOURNAL.get()), *values)
            if any(level >= stripped for part in unpack_any(out) for level in _levels(part)):
                raise DerivativeError(
                    f"checkpoint: {called(fun)} uses a traced value that is not among its arguments",
                    remedy="Pass it as an argument: on the way back, derivatives leave through arguments only.",
                )
            return out

        # run in the first run's context: an outer derivative may be walked where no communicator is set, say
        again = lambda *values: context.copy().run(of_traced, _Journal(entries, iter(entries), None), *values)
        return result.give(checkpointed(_Twice(first_run, again), *[leaves[k] for k in moving]))

    return recomputed


class _Twice:
    """A function to run: ``first`` runs in the forward pass and is checked, ``again`` runs for rules and is traced."""

    __slots__ = ("again", "first")

    def __init__(self, first: Callable[..., Any], again: Callable[..., Any]) -> None:
        self.first, self.again = first, again


def _levels(x: Any) -> list[int]:
    levels = []
    while type(x) in BOXES:
        levels.append(x._trace.level)
        x = x.value
    return levels


def unpack_any(out: Any) -> Sequence[Any]:
    """The arrays of a step's result, whether it is one or several."""
    return unpack(out) if isinstance(value_of(out), Outputs) else (out,)


def _back(argnums: Sequence[int], g: Any, ans: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """One rule for all arguments, because one more run gives all their cotangents."""
    run = _at(args, argnums)
    _, tape, end = record(run, [args[i] for i in argnums])
    return walk_back(tape, end, g)


def _forth(argnum: int) -> Any:
    def rule(g: Any, ans: Any, *args: Any) -> Any:
        several = isinstance(value_of(ans), Outputs)
        run = _at(args, (argnum,))
        _, tangents = push_forward(lambda x: tuple(unpack_any(run(x))), [args[argnum]], [g])
        return pack(*tangents) if several else tangents[0]

    return rule


def _at(args: Sequence[Any], argnums: Sequence[int]) -> Callable[..., Any]:
    """The function of the arguments ``argnums``, with the others fixed."""
    twice, *values = args

    def run(*moved: Any) -> Any:
        full = list(values)
        for i, value in zip(argnums, moved, strict=True):
            full[i - 1] = value
        return twice.again(*full)

    return run


def _product(x: Any, y: Any) -> Any:
    return x * y


checkpointed = primitive(
    lambda twice, *values: twice.first(*values),
    name="checkpoint",
    examples=lambda r: [case(_Twice(_product, _product), r(2, 3), r(3))],
)
checkpointed.joint = _back
defjvp_rest(checkpointed, _forth)
