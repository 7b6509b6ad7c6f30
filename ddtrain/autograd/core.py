"""Autograd's ``core``: ``make_vjp`` and ``make_jvp`` of a function of one argument, and what ``extend`` offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from ddtrain import autodiff
from ddtrain.autograd._absent import absent, of_every
from ddtrain.autograd.extend import (
    Box,
    JVPNode,
    SparseObject,
    VJPNode,
    VSpace,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    primitive,
    vspace,
)
from ddtrain.autograd.tracer import getval, isbox

__all__ = [
    "Box", "JVPNode", "SparseObject", "VJPNode", "VSpace", "def_linear", "defjvp", "defjvp_argnum", "defjvp_argnums",
    "defvjp", "defvjp_argnum", "defvjp_argnums", "getval", "isbox", "make_jvp", "make_vjp", "primitive",
    "primitive_jvps", "primitive_vjps", "vspace",
]  # fmt: skip

__getattr__ = absent(
    __name__,
    of_every("add_outgrads backward_pass sum_outgrads", "make_vjp(fun, x) walks back; cotangents are added by +")
    | of_every("SparseBox sparse_add sparse_object_types", "a SparseObject is added to zeros where a rule returns it")
    | of_every("identity_jvp identity_vjp translate_jvp translate_vjp", "a rule is a function, or None for zero")
    | of_every("deprecated_defgrad deprecated_defvjp deprecated_defvjp_is_zero", "the old way is gone: use defvjp")
    | of_every("primitive_with_deprecation_warnings deprecated_defvjp_message", "the old way is gone: use primitive")
    | of_every("Node trace toposort", "see ddtrain.autograd.tracer")
    | of_every("func primitive_ subval", "see ddtrain.autograd.util, and primitive"),
)


class _Rules(MutableMapping[Any, Any]):
    """Which primitives have rules of a mode, to be looked up, taken out and put back.

    A value is what belongs back in its place, where Autograd's is a function. A fused operation is not among the keys:
    it has a composition of primitives instead of rules.
    """

    def __init__(self, *attributes: str) -> None:
        # names of a primitive's attributes: its rules by position, and what may stand in for them
        self.attributes = attributes

    def __getitem__(self, fun: Any) -> list[Any]:
        prim = getattr(fun, "core", fun)
        rules = [getattr(prim, name, None) for name in self.attributes]
        if not any(rules) or prim.compose is not None:
            raise KeyError(fun)
        return rules

    def __setitem__(self, fun: Any, rules: list[Any]) -> None:
        prim = getattr(fun, "core", fun)
        for name, value in zip(self.attributes, rules, strict=True):
            setattr(prim, name, value)

    def __delitem__(self, fun: Any) -> None:
        self[fun] = [{}] + [None] * (len(self[fun]) - 1)

    def __iter__(self) -> Iterator[Any]:
        return (prim for prim in autodiff.PRIMITIVES if prim in self)

    def __len__(self) -> int:
        return len(list(iter(self)))


primitive_vjps = _Rules("vjps", "vjp_default", "joint")
primitive_jvps = _Rules("jvps", "jvp_default")


def make_vjp(fun: Callable[[Any], Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    """``(pullback, fun(x))``; unlike :func:`ddtrain.make_vjp`, it takes the argument at once.

    >>> pullback, value = make_vjp(lambda x: x**2, 3.0)
    >>> pullback(1.0)
    array(6.)
    """
    return autodiff.make_vjp(fun)(x)


def make_jvp(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """``push``; ``push(v)`` is fun(x) and its derivative along ``v``.

    >>> make_jvp(lambda x: x**2, 3.0)(1.0)
    (array(9.), array(6.))
    """
    return autodiff.make_jvp(fun)(x)
