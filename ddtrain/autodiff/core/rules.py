"""Derivative rules, declared as a table: ``defvjp(prim, rule for argument 0, rule for argument 1, ...)``.

A VJP rule ``(g, ans, *args, **kwargs)`` turns the cotangent of the answer into that of one argument; a JVP rule
turns the tangent ``g`` of one argument into that of the answer. Rules are written in differentiable functions and
read like the mathematics: the backward walk sums over broadcast axes, takes real parts and casts dtypes.
``None`` means the derivative is zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from ddtrain.autodiff.core.boxes import Primitive
from ddtrain.errors import DerivativeError, MissingRuleError

Rule = Callable[..., Any]


def defvjp(prim: Primitive, *rules: Rule | None, argnums: Iterable[int] | None = None) -> None:
    """Declare reverse-mode rules ``rule(g, ans, *args, **kwargs)``, one for each argument (or for ``argnums``).

    Raises
    ------
    DerivativeError : a rule is written as in Autograd, ``lambda ans, x: lambda g: ...``; if that cannot be seen
        here, the error is raised when the rule is first used

    >>> from ddtrain.autodiff import grad, primitive
    >>> cube = primitive(lambda x: x**3, name="cube")
    >>> defvjp(cube, lambda g, ans, x: g * 3 * x**2)
    >>> grad(cube)(2.0)
    array(12.)
    """
    chosen = dict(zip(argnums if argnums is not None else range(len(rules)), rules, strict=False))
    for argnum, rule in chosen.items():
        code = getattr(rule, "__code__", None)
        if code is not None and code.co_varnames[:1] == ("ans",):
            raise curried(prim, argnum)
    prim.vjps.update(chosen)


def defvjp_rest(prim: Primitive, rule: Callable[[int], Rule]) -> None:
    """Declare the rule of every further argument of a variadic primitive, made by ``rule(argnum)``.

    >>> from ddtrain.autodiff import grad, primitive
    >>> weighted = primitive(lambda *xs: sum(k * x for k, x in enumerate(xs)), name="weighted")
    >>> defvjp_rest(weighted, lambda argnum: lambda g, ans, *xs: argnum * g)
    >>> grad(weighted, argnum=2)(5.0, 5.0, 5.0)
    array(2.)
    """
    prim.vjp_default = rule


def defjvp(prim: Primitive, *rules: Rule | str | None, argnums: Iterable[int] | None = None) -> None:
    """Declare forward-mode rules ``rule(g, ans, *args, **kwargs)``; ``"same"`` means linear in that argument.

    >>> from ddtrain.autodiff import jvp, primitive
    >>> cube = primitive(lambda x: x**3, name="cube")
    >>> defjvp(cube, lambda g, ans, x: 3 * x**2 * g)
    >>> jvp(cube, (2.0,), (1.0,))
    (array(8.), array(12.))
    """
    for argnum, rule in zip(argnums if argnums is not None else range(len(rules)), rules, strict=False):
        prim.jvps[argnum] = _same(prim, argnum) if rule == "same" else rule


def defjvp_rest(prim: Primitive, rule: Callable[[int], Rule] | str) -> None:
    """Declare the forward rule of every further argument of a variadic primitive.

    >>> from ddtrain.autodiff import jvp, primitive
    >>> total = primitive(lambda *xs: sum(xs), name="total")
    >>> defjvp_rest(total, lambda argnum: lambda g, ans, *xs: g)
    >>> jvp(lambda x: total(x, 10.0, x), (1.0,), (1.0,))
    (array(12.), array(2.))
    """
    prim.jvp_default = (lambda argnum: _same(prim, argnum)) if rule == "same" else rule


def def_linear(prim: Primitive, *argnums: int) -> None:
    """Declare ``prim`` linear in each of ``argnums`` (by default argument 0), so that it is its own forward rule.

    >>> from ddtrain.autodiff import jvp, primitive
    >>> double = primitive(lambda x: 2 * x, name="double")
    >>> def_linear(double)
    >>> jvp(double, (5.0,), (1.0,))
    (array(10.), array(2.))
    """
    defjvp(prim, *["same"] * max(1, len(argnums)), argnums=argnums or (0,))


def def_elementwise(prim: Primitive, *rules: Rule | None) -> None:
    """Declare each rule for both modes: the Jacobian of an elementwise function is diagonal, its own transpose.

    >>> from ddtrain.autodiff import grad, jvp, primitive
    >>> square = primitive(lambda x: x * x, name="square")
    >>> def_elementwise(square, lambda g, ans, x: 2 * x * g)
    >>> grad(square)(3.0), jvp(square, (3.0,), (1.0,))[1]
    (array(6.), array(6.))
    """
    defvjp(prim, *rules)
    defjvp(prim, *rules)


def _same(prim: Primitive, argnum: int) -> Rule:
    def linear(g: Any, ans: Any, *args: Any, **kwargs: Any) -> Any:
        return prim(*args[:argnum], g, *args[argnum + 1 :], **kwargs)

    return linear


def curried(prim: Primitive, argnum: int) -> DerivativeError:
    """The error for a reverse-mode rule that returns a function of the cotangent instead of taking it."""
    try:
        names = ", ".join(inspect.signature(prim.raw).parameters)
    except ValueError:  # functions written in C may have no signature
        names = "*args"
    theirs = f"lambda ans, {names}: lambda g: ..."
    return DerivativeError(
        f"{prim.__name__}: the VJP rule of argument {argnum} is written Autograd's way, {theirs}",
        remedy=f"Here the cotangent comes first: lambda g, ans, {names}: ... Autograd's way: ddtrain.autograd.extend.",
    )


def is_curried(rule: Rule, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a rule that failed takes ``(ans, *args)``, and not the cotangent before them."""
    try:
        signature = inspect.signature(rule)
        signature.bind(None, *args, **kwargs)
    except (TypeError, ValueError):
        return False
    try:
        signature.bind(None, None, *args, **kwargs)
    except TypeError:
        return True
    return False


def missing_rule(prim: Primitive, argnum: int, mode: str) -> MissingRuleError:
    """The error for a rule that is not declared, with the line that would add it."""
    blanks = "".join("None, " for _ in range(argnum))
    return MissingRuleError(
        f"{prim.__name__} has no {mode.upper()} rule for argument {argnum}",
        remedy=f"Add it: def{mode}({prim.__name__}, {blanks}lambda g, ans, *args: ...)",
        operation=prim.__name__,
    )


def rule_of(prim: Primitive, argnum: int, mode: str) -> Rule | None:
    """The rule of one argument; for variadic primitives it is made at its first use, and kept."""
    table = prim.vjps if mode == "vjp" else prim.jvps
    if argnum not in table:
        default = prim.vjp_default if mode == "vjp" else prim.jvp_default
        if default is None:
            raise (prim.missing or missing_rule)(prim, argnum, mode)
        table[argnum] = default(argnum)
    return cast("Rule | None", table[argnum])
