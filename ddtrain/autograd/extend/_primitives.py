"""``primitive`` and the ways to declare its derivatives, as adaptors over ``autodiff``.

A call becomes one step whose first argument is a ``_Call``: how to put structured arguments and results back together.
Rules are handed structures and hand back structures; the step itself sees arrays, or several side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, cast

from ddtrain import autodiff, tree
from ddtrain.autodiff import BOXES, Primitive, pack, unpack
from ddtrain.autodiff.core.boxes import Trace, top_trace
from ddtrain.autodiff.operators.argnums import Result, as_array, called
from ddtrain.autograd.extend._spaces import dense
from ddtrain.errors import DerivativeError, MissingRuleError


class _Call:
    """One call of a primitive: which arguments were structures, and what structure came back."""

    __slots__ = ("rebuilds", "result")

    def __init__(self, fun: Callable[..., Any], args: Sequence[Any]) -> None:
        self.result = Result("primitive", fun)
        self.rebuilds: list[Callable[[list[Any]], Any] | None] = [None] * len(args)

    def flatten(self, args: Sequence[Any]) -> list[Any]:
        """The arguments as values of one step: a structure that holds traced values becomes one."""
        values = list(args)
        for i, a in enumerate(args):
            if isinstance(a, list | tuple | dict):
                leaves, rebuild = tree.flatten(a)
                if any(type(leaf) in BOXES for leaf in leaves):
                    values[i], self.rebuilds[i] = pack(*map(as_array, leaves)), rebuild
        return values

    def restore(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments again."""
        return tuple(
            v if rebuild is None else rebuild(list(unpack(v))) for v, rebuild in zip(values, self.rebuilds, strict=True)
        )

    def cotangent(self, argnum: int, g: Any) -> Any:
        """What a reverse rule returned for an argument, as one value."""
        g = dense(g)
        if g is None or self.rebuilds[argnum] is None:
            return None if g is None else as_array(g)
        return pack(*map(as_array, tree.flatten(g)[0]))

    def tangent(self, t: Any) -> Any:
        """What a forward rule returned, as one value."""
        t = dense(t)
        if t is None or self.result.rebuild is None:
            return None if t is None else as_array(t)
        leaves = tree.flatten(t)[0]
        return pack(*[as_array(leaves[k]) for k in self.result.moving])


def primitive(f_raw: Callable[..., Any]) -> Callable[..., Any]:
    """``f_raw`` as one step of a trace, to be given derivatives by :func:`defvjp` and :func:`defjvp`.

    Those are of this module, as in HIPS Autograd. New code that works on arrays takes ``ddtrain.primitive`` and
    ``ddtrain.defvjp``, whose calls are faster and whose rules are one function of ``(g, ans, x)``.

    >>> from ddtrain import grad
    >>> @primitive
    ... def cube(x):
    ...     return x**3
    >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    >>> grad(cube)(2.0)
    array(12.)
    """

    def step(call: _Call, *values: Any, **kwargs: Any) -> Any:
        return call.result.take(dense(f_raw(*call.restore(values), **kwargs)))

    core = autodiff.primitive(step, name=getattr(f_raw, "__name__", "primitive"))
    core.missing = _missing

    @wraps(f_raw)
    def call_of(*args: Any, **kwargs: Any) -> Any:
        call = _Call(f_raw, args)
        values = call.flatten(args)
        if not any(type(v) in BOXES for v in (*values, *kwargs.values())):
            return dense(f_raw(*args, **kwargs))
        top = top_trace(values)
        if isinstance(top, tuple(notrace)):
            return call_of(
                *call.restore([v.value if getattr(v, "_trace", None) is top else v for v in values]), **kwargs
            )
        return call.result.give(core(call, *values, **kwargs))

    notrace: set[type[Trace]] = set()
    call_of.core, call_of.notrace = core, notrace  # type: ignore[attr-defined]
    return call_of


def register_notrace(trace_type: type[Trace], primitive_fun: Callable[..., Any]) -> None:
    """Say that ``primitive_fun`` is constant in reverse mode (``VJPNode``) or in forward mode (``JVPNode``).

    It is then called with plain values, and its result is plain: its derivative is zero.

    >>> from ddtrain import grad
    >>> from ddtrain.autograd.extend import VJPNode
    >>> @primitive
    ... def whole(x):
    ...     return x // 1
    >>> register_notrace(VJPNode, whole)
    >>> grad(lambda x: x * whole(x))(2.5)
    array(2.)
    """
    # nondifferentiable primitives are already constant for every trace
    if getattr(primitive_fun, "differentiable", True):
        _core(primitive_fun)
        primitive_fun.notrace.add(trace_type)  # type: ignore[attr-defined]


def _missing(core: Primitive, position: int, mode: str) -> MissingRuleError:
    rule = "lambda ans, *args: lambda g: ..." if mode == "vjp" else "lambda g, ans, *args: ..."
    return MissingRuleError(
        f"{core.__name__} has no {mode.upper()} rule for argument {position - 1}",
        remedy=f"Add it: def{mode}({core.__name__}, {rule}, argnums=({position - 1},))",
    )


def _core(fun: Callable[..., Any]) -> Primitive:
    core: Primitive | None = getattr(fun, "core", None)
    if core is None:
        raise DerivativeError(
            f"{called(fun)} is not a primitive of ddtrain.autograd.extend",
            remedy="Decorate it: @ddtrain.autograd.extend.primitive",
        )
    return core


def _of_the_library(fun: Any) -> bool:
    """Whether ``fun`` is a primitive of ddtrain.numpy or ddtrain.scipy, whose steps are called with its arguments."""
    return hasattr(fun, "raw") and getattr(fun, "compose", fun) is None


def defvjp(fun: Callable[..., Any], *vjpmakers: Any, argnums: Iterable[int] | None = None) -> None:
    """Declare reverse-mode rules ``maker(ans, *args, **kwargs)(g)``, one an argument (or for ``argnums``).

    None means that the derivative is zero. ``fun`` may be a primitive of the library, whose rules are then others.

    >>> from ddtrain import grad
    >>> from ddtrain.autograd.extend import defvjp, primitive
    >>> cube = primitive(lambda x: x**3)
    >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    >>> grad(cube)(2.0)
    array(12.)
    """
    for argnum, maker in zip(range(len(vjpmakers)) if argnums is None else argnums, vjpmakers, strict=False):
        if _of_the_library(fun):
            rule = None if maker is None else _flat(maker)
            autodiff.defvjp(cast(Primitive, fun), rule, argnums=(argnum,))
        else:
            rule = None if maker is None else _back(lambda k, ans, args, kw, m=maker: m(ans, *args, **kw), argnum)
            autodiff.defvjp(_core(fun), rule, argnums=(argnum + 1,))
    (cast(Primitive, fun) if _of_the_library(fun) else _core(fun)).joint = None


def _flat(maker: Any) -> Any:
    def rule(g: Any, ans: Any, *args: Any, **kwargs: Any) -> Any:
        return dense(maker(ans, *args, **kwargs)(g))

    return rule


def defvjp_argnum(fun: Callable[..., Any], vjpmaker: Any) -> None:
    """Declare the reverse-mode rule of every argument: ``vjpmaker(argnum, ans, args, kwargs)(g)``.

    >>> from ddtrain import grad
    >>> from ddtrain.autograd.extend import defvjp_argnum, primitive
    >>> weighted = primitive(lambda *xs: sum(k * x for k, x in enumerate(xs)))
    >>> defvjp_argnum(weighted, lambda argnum, ans, args, kwargs: lambda g: argnum * g)
    >>> grad(weighted, 2)(5.0, 5.0, 5.0)
    array(2.)
    """
    core = _core(fun)
    core.joint = None
    core.vjps.clear()
    autodiff.defvjp_rest(core, lambda position: _back(vjpmaker, position - 1))


def _back(maker: Any, argnum: int) -> Any:
    def rule(g: Any, ans: Any, call: _Call, *values: Any, **kwargs: Any) -> Any:
        pull = maker(argnum, call.result.give(ans), call.restore(values), kwargs)
        return call.cotangent(argnum, pull(call.result.give(g)))

    return rule


def defvjp_argnums(fun: Callable[..., Any], vjpmaker: Any) -> None:
    """Declare one reverse-mode rule for several arguments: ``vjpmaker(argnums, ans, args, kwargs)(g)``, a tuple.

    >>> from ddtrain import grad
    >>> from ddtrain.autograd.extend import defvjp_argnums, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defvjp_argnums(product, lambda argnums, ans, args, kwargs: lambda g: [g * args[1 - k] for k in argnums])
    >>> grad(product, (0, 1))(2.0, 3.0)
    (array(3.), array(2.))
    """

    def joint(positions: Sequence[int], g: Any, ans: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        call: _Call = args[0]
        argnums = tuple(i - 1 for i in positions)
        pull = vjpmaker(argnums, call.result.give(ans), call.restore(args[1:]), kwargs)
        return [call.cotangent(i, c) for i, c in zip(argnums, pull(call.result.give(g)), strict=True)]

    _core(fun).joint = joint


def defjvp(fun: Callable[..., Any], *jvpfuns: Any, argnums: Iterable[int] | None = None) -> None:
    """Declare forward-mode rules ``rule(g, ans, *args, **kwargs)``; ``"same"`` for linear, None for zero.

    >>> from ddtrain import jvp
    >>> from ddtrain.autograd.extend import defjvp, primitive
    >>> cube = primitive(lambda x: x**3)
    >>> defjvp(cube, lambda g, ans, x: g * 3 * x**2)
    >>> jvp(cube, (2.0,), (1.0,))
    (array(8.), array(12.))
    """
    if _of_the_library(fun):
        autodiff.defjvp(cast(Primitive, fun), *jvpfuns, argnums=argnums)
        return
    for argnum, fn in zip(range(len(jvpfuns)) if argnums is None else argnums, jvpfuns, strict=False):
        maker = _same(fun) if fn == "same" else lambda k, g, ans, args, kw, fn=fn: fn(g, ans, *args, **kw)
        autodiff.defjvp(_core(fun), None if fn is None else _forth(maker, argnum), argnums=(argnum + 1,))


def defjvp_argnum(fun: Callable[..., Any], jvpmaker: Any) -> None:
    """Declare the forward-mode rule of every argument: ``jvpmaker(argnum, g, ans, args, kwargs)``."""
    core = _core(fun)
    core.jvps.clear()
    autodiff.defjvp_rest(core, lambda position: _forth(jvpmaker, position - 1))


def defjvp_argnums(fun: Callable[..., Any], jvpmaker: Any) -> None:
    """Declare one forward-mode rule for several arguments: ``jvpmaker(argnums, gs, ans, args, kwargs)``."""
    defjvp_argnum(fun, lambda argnum, g, ans, args, kwargs: jvpmaker((argnum,), (g,), ans, args, kwargs))


def def_linear(fun: Callable[..., Any]) -> None:
    """Declare ``fun`` linear in each argument taken alone: its own forward rule.

    >>> from ddtrain import jvp
    >>> from ddtrain.autograd.extend import def_linear, primitive
    >>> double = primitive(lambda x: 2 * x)
    >>> def_linear(double)
    >>> jvp(double, (5.0,), (1.0,))
    (array(10.), array(2.))
    """
    defjvp_argnum(fun, _same(fun))


def _forth(maker: Any, argnum: int) -> Any:
    def rule(g: Any, ans: Any, call: _Call, *values: Any, **kwargs: Any) -> Any:
        rebuild = call.rebuilds[argnum]
        tangent = g if rebuild is None else rebuild(list(unpack(g)))
        return call.tangent(maker(argnum, tangent, call.result.give(ans), call.restore(values), kwargs))

    return rule


def _same(fun: Callable[..., Any]) -> Any:
    return lambda argnum, g, ans, args, kwargs: fun(*args[:argnum], g, *args[argnum + 1 :], **kwargs)
