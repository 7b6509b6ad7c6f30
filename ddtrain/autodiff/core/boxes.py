"""What the engine is made of: traces, primitives and boxes.

A *trace* is an interpreter: reverse mode, forward mode, a recorder and a checker are trace classes over one mechanism.
A *primitive* is a function that traces see as one step (``primitives.py`` makes them). A *box* carries a value through
a function, together with its trace and a *node*, which is whatever that trace wants to know about the value (an index
into the tape, a tangent).

Note [Trace levels]
Inner traces must be stripped first, so traces are ordered by a level. The levels come from one counter that only
ever goes up. Autograd counts up on entry and down on exit, and two threads that interleave then share a level:
nested gradients come out silently wrong (1.0 for 6.0). A counter that never repeats needs no lock, and an
exception cannot leave it in the wrong place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeAlias

import numpy as np

from ddtrain.errors import DerivativeError

_levels = itertools.count()


class Trace:
    """One run of one interpreter. Subclasses define what to remember of each primitive."""

    __slots__ = ("level",)
    fuses = False  # True if fused operations may run their kernels under this trace, see autodiff/core/fused.py
    sees_constants = False  # True if this trace also records primitives that have no derivative
    checks = False  # True if this trace inspects the answers of fused operations and all cotangents
    branches = True  # True if Python may branch on the truth of this trace's values
    records = False  # True if this trace writes down what runs, to be repeated with other values (ddtrain.plan)

    def __init__(self) -> None:
        self.level = next(_levels)

    def process(
        self,
        prim: Primitive,
        ans: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        argnums: Sequence[int],
        nodes: Sequence[Any],
    ) -> Any:
        """The node of ``ans = prim(*args, **kwargs)``, or None when ``ans`` is a constant of this trace.

        ``args`` holds plain values where this trace's boxes stood: ``args[argnums[k]]`` belongs to ``nodes[k]``.
        """
        raise NotImplementedError

    def checked_answer(self, prim: Primitive, ans: Any) -> None:
        """Called with the answer of every fused operation by traces that check."""

    def asked(self, what: str) -> None:
        """Called by traces that record, when Python asks for a value: what it makes of it is not recorded."""


Array: TypeAlias = Any
"""What operations take and return: an array, a box of one while it is traced, or a number or list that becomes one."""


class Primitive:
    """What :func:`primitive` returns, for the type checker: a plain function with these attributes.

    Attributes
    ----------
    raw : the function on unboxed values
    vjps, jvps : derivative rules by position of the argument, see ``autodiff/core/rules.py``
    joint : one rule for all arguments at once, or None
    compose, backward : functions of a fused operation, see ``autodiff/core/fused.py``; None for other primitives
    examples : ``examples(r)`` lists the calls the conformance suite checks, or None
    otherwise : ``otherwise(prim, args, kwargs)`` handles a traced call that ``raw`` cannot take, or raises an error
    missing : ``missing(prim, argnum, mode)`` returns the error for a rule that is not declared; None for the usual one
    """

    __name__: str
    raw: Callable[..., Any]
    vjps: dict[int, Any]
    jvps: dict[int, Any]
    vjp_default: Any
    jvp_default: Any
    joint: Any
    compose: Any
    backward: Any
    differentiable: bool
    examples: Any
    otherwise: Any
    missing: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


class Box:
    """A value under a trace. Array behaviour is added by the subclass in ``ddtrain.numpy``."""

    __slots__ = ("_trace", "node", "value")
    # Autograd's name for it, which its users know for printing a traced value
    _value = property(lambda self: self.value)

    def __init__(self, value: Any, trace: Trace, node: Any) -> None:
        self.value, self._trace, self.node = value, trace, node

    def __copy__(self) -> Any:
        return self  # a box is never written to, so it can be its own copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self  # a deep copy would also copy the trace, and the derivative would be lost in the copy

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise DerivativeError(
            "pickling a traced value would lose its derivative",
            remedy="Differentiate within one process, and save ddtrain.autodiff.value_of(x).",
        )


BOXES: set[type] = set()  # every concrete box class
_box_for: dict[type, type[Box]] = {}  # the box class for each type of value


def register_box(box_type: type[Box], *value_types: type) -> None:
    """Say which box class holds values of the given types."""
    BOXES.add(box_type)
    for value_type in (box_type, *value_types):
        _box_for[value_type] = box_type


def box(value: Any, trace: Trace, node: Any) -> Any:
    """``value`` in the box class of its type; NumPy and Python scalars become 0-d arrays.

    Note [0-d arrays]
    NumPy answers with scalars where a 0-d array went in. A traced result is always an array, so that a plan has a
    buffer to write into and the dtype of a result does not depend on its rank.
    """
    box_type = _box_for.get(type(value))
    if box_type is None:
        value = np.asarray(value)
        if value.dtype == object:
            raise objects_refused()
        box_type = _box_for[np.ndarray]
    return box_type(value, trace, node)


def objects_refused() -> DerivativeError:
    """The error for an array of objects where a trace would have to follow it."""
    return DerivativeError(
        "arrays of objects cannot be traced", remedy="Convert to a numeric dtype before differentiating."
    )


def top_trace(args: Any) -> Trace | None:
    """The innermost trace among the boxes in ``args``, or None."""
    top: Trace | None = None
    for a in args:
        if type(a) in BOXES and (top is None or a._trace.level > top.level):
            top = a._trace
    return top


def value_of(x: Any) -> Any:
    """``x`` with every box removed.

    >>> from ddtrain.autodiff import grad, value_of
    >>> seen = []
    >>> _ = grad(lambda x: seen.append(value_of(x)) or x * x)(3.0)
    >>> seen
    [array(3.)]
    """
    while type(x) in BOXES:
        if x._trace.records:
            x._trace.asked("takes a value out of its trace")
        x = x.value
    return x


def array_like(x: Any) -> Any:
    """An array of the shape, dtype and layout of ``x``, for code that asks for no more than those.

    It is the array that ``x`` has in it; who uses its *entries* takes :func:`value_of`, which traces that record hear.

    >>> import numpy as np
    >>> array_like(np.ones((2, 3))).shape
    (2, 3)
    """
    while type(x) in BOXES:
        x = x.value
    return x


def is_recorded(x: Any) -> bool:
    """Whether a trace that records, as plans do, is among those that follow ``x``.

    >>> is_recorded(1.0)
    False
    """
    while type(x) in BOXES:
        if x._trace.records:
            return True
        x = x.value
    return False
