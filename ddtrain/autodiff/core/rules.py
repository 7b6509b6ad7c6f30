"""Derivative rules, declared as a table: ``defvjp(prim, rule for argument 0, rule for argument 1, ...)``.

A VJP rule ``(g, ans, *args, **kwargs)`` turns the cotangent of the answer into that of one argument; a JVP rule
turns the tangent ``g`` of one argument into that of the answer. Rules are written in differentiable functions and
read like the mathematics: summing over broadcast axes, and real parts and dtypes, are the walker's business.
``None`` means the derivative is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from ddtrain.autodiff.core.tracer import Primitive
from ddtrain.errors import MissingRuleError

Rule = Callable[..., Any]


def defvjp(prim: Primitive, *rules: Rule | None, argnums: Iterable[int] | None = None) -> None:
    """Declare reverse-mode rules ``rule(g, ans, *args, **kwargs)``, one an argument (or for ``argnums``)."""
    prim.vjps.update(zip(argnums if argnums is not None else range(len(rules)), rules, strict=False))


def defvjp_rest(prim: Primitive, rule: Callable[[int], Rule]) -> None:
    """Declare the rule of every further argument of a variadic primitive, made by ``rule(argnum)``."""
    prim.vjp_default = rule


def defjvp(prim: Primitive, *rules: Rule | str | None, argnums: Iterable[int] | None = None) -> None:
    """Declare forward-mode rules ``rule(g, ans, *args, **kwargs)``; ``"same"`` means linear in that argument."""
    for argnum, rule in zip(argnums if argnums is not None else range(len(rules)), rules, strict=False):
        prim.jvps[argnum] = _same(prim, argnum) if rule == "same" else rule


def defjvp_rest(prim: Primitive, rule: Callable[[int], Rule] | str) -> None:
    """Declare the forward rule of every further argument of a variadic primitive."""
    prim.jvp_default = (lambda argnum: _same(prim, argnum)) if rule == "same" else rule


def def_linear(prim: Primitive, *argnums: int) -> None:
    """Declare ``prim`` linear in each of ``argnums`` (argument 0 unless told) taken alone: its own forward rule."""
    defjvp(prim, *["same"] * max(1, len(argnums)), argnums=argnums or (0,))


def def_elementwise(prim: Primitive, *rules: Rule | None) -> None:
    """Declare each rule for both modes: the Jacobian of an elementwise function is diagonal, its own transpose."""
    defvjp(prim, *rules)
    defjvp(prim, *rules)


def _same(prim: Primitive, argnum: int) -> Rule:
    def linear(g: Any, ans: Any, *args: Any, **kwargs: Any) -> Any:
        return prim(*args[:argnum], g, *args[argnum + 1 :], **kwargs)

    return linear


def missing_rule(prim: Primitive, argnum: int, mode: str) -> MissingRuleError:
    """The error for a rule nobody declared, with the line that would add it."""
    blanks = "".join("None, " for _ in range(argnum))
    return MissingRuleError(
        f"{prim.__name__} has no {mode.upper()} rule for argument {argnum}",
        remedy=f"Add it: def{mode}({prim.__name__}, {blanks}lambda g, ans, *args: ...)",
    )


def rule_of(prim: Primitive, argnum: int, mode: str) -> Rule | None:
    """The rule of one argument, made and kept at first use for variadic primitives."""
    table = prim.vjps if mode == "vjp" else prim.jvps
    if argnum not in table:
        default = prim.vjp_default if mode == "vjp" else prim.jvp_default
        if default is None:
            raise (prim.missing or missing_rule)(prim, argnum, mode)
        table[argnum] = default(argnum)
    return cast("Rule | None", table[argnum])
