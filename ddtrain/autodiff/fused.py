"""Fused operations: one step of a trace that stands for many, with kernels of its own.

A fused op is declared three ways at once. ``compose`` says what it means in differentiable functions; ``forward``
and ``backward`` are the kernels, which see plain arrays only. Under one plain reverse-mode trace the kernels run;
under anything else (forward mode, a derivative of a derivative) the composition does, so a fused op can be
differentiated to any order in any mode, and its meaning is also its test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from ddtrain.autodiff.reverse import record, walk_back
from ddtrain.autodiff.tracer import BOXES, Primitive, box, declare, strip

Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[..., Sequence[Any]]


def fused(
    compose: Callable[..., Any], forward: Forward, backward: Backward, *, name: str | None = None, examples: Any = None
) -> Primitive:
    """Make one operation of a composition and its kernels.

    Parameters
    ----------
    compose : ``compose(*args, **kwargs) -> ans`` in differentiable functions; its docstring becomes the op's
    forward : ``forward(*args, **kwargs) -> (ans, saved)`` on plain arrays; ``saved`` is what backward needs
    backward : ``backward(needs, g, saved, *args, **kwargs)`` returns a cotangent (or None) for each position in
        ``needs``, the positional arguments that are differentiated
    name, examples : as for :func:`primitive`
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs and any(type(v) in BOXES for v in kwargs.values()):
            args, kwargs = _by_position(compose, args, kwargs)
        for a in args:
            if type(a) in BOXES:
                break
        else:
            return forward(*args, **kwargs)[0]
        top, values, argnums, nodes, nested = strip(args)
        if nested or not top.fuses:  # nested: a second derivative
            return compose(*args, **kwargs)
        ans, saved = forward(*values, **kwargs)
        if top.checks:
            top.checked_answer(prim, ans)
        return box(ans, top, top.process(prim, saved, values, kwargs, argnums, nodes))

    def joint(
        argnums: tuple[int, ...], g: Any, saved: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Sequence[Any]:
        if type(g) in BOXES:  # the cotangent itself is being differentiated
            return _compose_back(compose, argnums, g, args, kwargs)
        return backward(argnums, g, saved, *args, **kwargs)

    prim = declare(call, forward, name=name or compose.__name__, examples=examples)
    prim.__doc__ = compose.__doc__
    prim.joint, prim.compose, prim.backward = joint, compose, backward
    return prim


def _by_position(
    compose: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same call with keyword arguments moved into their positions, where derivatives flow."""
    bound = signature(compose).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.args, bound.kwargs


def _compose_back(
    compose: Callable[..., Any], argnums: Sequence[int], g: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> list[Any]:
    def of_leaves(*leaves: Any) -> Any:
        full = list(args)
        for i, leaf in zip(argnums, leaves, strict=True):
            full[i] = leaf
        return compose(*full, **kwargs)

    _, tape, end = record(of_leaves, [args[i] for i in argnums])
    return walk_back(tape, end, g)
