"""Primitives: functions that a trace sees as one step.

Calling one strips the boxes of the innermost trace, calls itself on what is inside (which may hold boxes of outer
traces), and asks the trace for the node of the result. Nesting to any order is that recursion.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, cast

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES, Primitive, Trace, _box_for, box, top_trace
from ddtrain.autodiff.core.signatures import fits, takes
from ddtrain.errors import DerivativeError, kind_of

PRIMITIVES: list[Primitive] = []  # in order of declaration; the conformance suite tests every one


def primitive(raw: Callable[..., Any], *, name: str | None = None, examples: Any = None) -> Primitive:
    """Make ``raw`` one step of a trace. Positional arguments may be traced, keyword arguments not.

    This is ``ddtrain.primitive``, whose rules are ``defvjp(square, lambda g, ans, x: ...)``. For code that was written
    for HIPS Autograd there is ``ddtrain.autograd.extend.primitive``, whose rules are
    ``defvjp(square, lambda ans, x: lambda g: ...)``, and whose arguments may be lists, tuples and dicts. Each goes with
    the ``defvjp`` of its own module.

    Parameters
    ----------
    raw : function of arrays that neither knows nor sees boxes
    name : for messages and tables, by default ``raw.__name__``
    examples : ``r -> [case(...), ...]``, the calls that the conformance suite differentiates

    >>> import numpy as onp, ddtrain.numpy
    >>> from ddtrain.autodiff import primitive, defvjp, grad
    >>> square = primitive(lambda x: x * x, name="square")
    >>> defvjp(square, lambda g, ans, x: 2.0 * x * g)
    >>> grad(square)(3.0)
    array(6.)
    """

    most, known = takes(raw)
    of_arrays = isinstance(raw, np.ufunc)

    def call(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if type(a) in BOXES:
                break
        else:
            if kwargs and _traced_key(kwargs):
                return prim.otherwise(prim, args, kwargs)
            try:
                return raw(*args, **kwargs)
            except (TypeError, ValueError) as error:
                if prim.otherwise is refuse or isinstance(error, ValueError) or fits(raw, args, kwargs):
                    return _again(call, args, kwargs, error)
            return prim.otherwise(prim, args, kwargs)
        if kwargs and not _by_name(kwargs, known):
            return prim.otherwise(prim, args, kwargs)
        top = a._trace
        if len(args) == 1:  # the commonest call: what strip() does, inlined for speed
            values: Sequence[Any] = (a.value,)
            argnums: Sequence[int] = _FIRST
            nodes: Sequence[Any] = (a.node,)
            nested = type(a.value) in BOXES
        elif len(args) > most:
            return prim.otherwise(prim, args, kwargs)
        else:
            top, values, argnums, nodes, nested = strip(args)
            if of_arrays and len(argnums) < len(args) and not _LISTS.isdisjoint(map(type, args)):
                return _with_arrays(call, args, kwargs)  # NumPy accepts lists where the rules expect arrays
        try:
            ans = call(*values, **kwargs) if nested else raw(*values, **kwargs)
        except (TypeError, ValueError) as error:
            return _again(call, args, kwargs, error)
        # a list in the arguments held boxes of this trace
        if nested and type(ans) in BOXES and ans._trace.level >= top.level:
            return _again(call, args, kwargs, None)
        box_type = _box_for.get(type(ans))
        if box_type is None:
            return _box_result(call, ans, top, values, kwargs, argnums, nodes)
        node = top.process(call, ans, values, kwargs, argnums, nodes)
        return ans if node is None else box_type(ans, top, node)

    prim = declare(call, raw, name=name, examples=examples)
    return prim


_FIRST, _SECOND, _BOTH = (0,), (1,), (0, 1)
_LISTS = {list, tuple, range}
_Stripped = tuple[Trace, Sequence[Any], Sequence[int], Sequence[Any], bool]


def strip(args: tuple[Any, ...]) -> _Stripped:
    """The innermost trace, arguments without its boxes, their positions and nodes, and whether other boxes remain."""
    if len(args) == 1:
        x = args[0]
        return x._trace, (x.value,), _FIRST, (x.node,), type(x.value) in BOXES
    if len(args) == 2:
        x, y = args
        if type(y) not in BOXES:
            return x._trace, (x.value, y), _FIRST, (x.node,), type(x.value) in BOXES
        if type(x) not in BOXES:
            return y._trace, (x, y.value), _SECOND, (y.node,), type(y.value) in BOXES
        if x._trace is y._trace:
            nested = type(x.value) in BOXES or type(y.value) in BOXES
            return x._trace, (x.value, y.value), _BOTH, (x.node, y.node), nested
    top = cast(Trace, top_trace(args))
    values, argnums, nodes, nested = list(args), [], [], False
    for i, a in enumerate(args):
        if type(a) in BOXES:
            if a._trace is top:
                value = values[i] = a.value
                argnums.append(i)
                nodes.append(a.node)
                nested = nested or type(value) in BOXES
            else:
                nested = True
    return top, tuple(values), tuple(argnums), tuple(nodes), nested  # tuples: Note [Garbage collector]


def take_lists(gather: Callable[[Any], Any], again: Callable[..., Any]) -> None:
    """Set the functions that make an array of a list of traced values, and repeat a call that refused such a list.

    ``array_lists.py`` calls this: it makes arrays by primitives, so that this module cannot import it.
    """
    global _gather, _again
    _gather, _again = gather, again


_gather: Callable[[Any], Any]
_again: Callable[..., Any]


def _with_arrays(call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return call(*[_gather(a) if type(a) in _LISTS else a for a in args], **kwargs)


def _box_result(call: Any, ans: Any, top: Trace, *process_args: Any) -> Any:
    """The slow path of a primitive: box a result that is not a plain array."""
    if isinstance(ans, np.ma.MaskedArray | np.matrix):  # NumPy returns these when an operand is one
        raise _not_followed(call, ans)
    ans = np.asarray(ans)
    node = top.process(call, ans, *process_args)
    return ans if node is None else box(ans, top, node)


def _not_followed(prim: Primitive, ans: Any) -> DerivativeError:
    masked = isinstance(ans, np.ma.MaskedArray)
    what = "mask" if masked else "products"
    return DerivativeError(
        f"{prim.__name__}: an operand is {kind_of(ans)}, whose {what} a trace would not follow",
        remedy="Pass its .data, and its mask by np.where." if masked else "Pass np.asarray of it, and multiply by @.",
    )


def nondifferentiable(raw: Callable[..., Any], *, name: str | None = None, examples: Any = None) -> Primitive:
    """A primitive whose result is constant almost everywhere: comparisons, argmax, rounding.

    Its derivative is zero, so derivative traces do not see it; a recorder does.

    >>> from ddtrain.autodiff import grad
    >>> sign = nondifferentiable(lambda x: np.sign(x), name="sign")
    >>> grad(lambda x: x * sign(x))(-3.0)
    array(-1.)
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        top = top_trace(args)
        if kwargs and (_traced_key(kwargs) or (top is not None and kwargs.get("out") is not None)):
            return prim.otherwise(prim, args, kwargs)
        try:
            if top is None:
                return raw(*args, **kwargs)
            mine = [i for i, a in enumerate(args) if type(a) in BOXES and a._trace is top]
            values = [a.value if i in mine else a for i, a in enumerate(args)]
            ans = call(*values, **kwargs)
        except (TypeError, ValueError) as error:
            return _again(call, args, kwargs, error)
        if not top.sees_constants:
            return ans
        if type(ans) is tuple:  # of index arrays, such as nonzero returns, which no trace follows
            if top.records:
                top.asked(f"asks for {prim.__name__}, which gives as many entries as there happen to be")
            return ans
        return _box_result(call, ans, top, values, kwargs, mine, [args[i].node for i in mine])

    prim = declare(call, raw, name=name, examples=examples)
    prim.differentiable = False
    return prim


def declare(call: Any, raw: Callable[..., Any], *, name: str | None, examples: Any) -> Primitive:
    """Fill in the attributes of a primitive and enter it in the registry."""
    call.raw = raw
    call.__name__ = call.__qualname__ = name or raw.__name__
    show_as(call, raw)
    call.vjps, call.jvps, call.vjp_default, call.jvp_default, call.joint = {}, {}, None, None, None
    call.compose, call.backward, call.differentiable, call.examples = None, None, True, examples
    call.otherwise, call.missing = refuse, None
    PRIMITIVES.append(call)
    return cast(Primitive, call)


def show_as(call: Any, function: Callable[..., Any]) -> None:
    """Let ``help`` show a primitive as another function: with its text, its parameters and their defaults.

    >>> stretched = lambda x, factor=2.0: factor * x
    >>> print(inspect.signature(primitive(stretched)))
    (x, factor=2.0)
    """
    call.__doc__ = function.__doc__
    with suppress(ValueError):  # some functions written in C have no signature
        call.__signature__ = inspect.signature(function)


def _by_name(kwargs: dict[str, Any], known: frozenset[str]) -> bool:
    """Whether all keywords are known and none is traced, so that they can be passed on as they are."""
    for key, v in kwargs.items():  # noqa: SIM110  # all() takes twice the time
        if key not in known or type(v) in BOXES:
            return False
    return True


def _traced_key(kwargs: dict[str, Any]) -> str | None:
    for key, v in kwargs.items():
        if type(v) in BOXES:
            return key
    return None


def refuse(prim: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
    """Raise the error for a call that a primitive cannot differentiate; the default of ``otherwise``."""
    if (key := _traced_key(kwargs)) is not None:
        raise DerivativeError(
            f"{prim.__name__}: keyword argument {key!r} is traced, and derivatives flow through positional "
            "arguments only",
            remedy=f"Pass {key} by position.",
        )
    # raises Python's own TypeError if the call does not fit the signature
    inspect.signature(prim.raw).bind(*args, **kwargs)
    raise DerivativeError(
        f"{prim.__name__}: {', '.join(f'{key}=' for key in kwargs) or 'out='} has no derivative rule",
        remedy="Leave it out: np.where for where=, astype for dtype=, and the result instead of out=.",
    )
