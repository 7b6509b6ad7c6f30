"""Fused operations: one step of a trace that stands for many, with kernels of its own.

A fused op is declared three ways at once. ``compose`` says what it means in differentiable functions; ``forward``
and ``backward`` are the kernels, which see plain arrays only. Under one plain reverse-mode trace the kernels run;
under anything else (forward mode, a derivative of a derivative) the composition does, so a fused op can be
differentiated to any order in any mode, and its meaning is also its test.

Note [Mixed dtypes]
Kernels take arrays of one floating dtype. Arrays of different dtypes are first converted to NumPy's common dtype; if
that is not a real floating one (integers, complex numbers), the composition runs, which follows NumPy's arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, NamedTuple

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES, Primitive, box
from ddtrain.autodiff.core.primitives import declare, show_as, strip
from ddtrain.autodiff.core.reverse import record, walk_back

Forward = Callable[..., tuple[Any, Any]]
Backward = Callable[..., Sequence[Any]]


class Recorded:
    """What the forward pass of a fused operation saved under a trace that records, with its slot in the record."""

    __slots__ = ("recorder", "slot", "value")

    def __init__(self, recorder: Any, slot: int, value: Any) -> None:
        self.recorder, self.slot, self.value = recorder, slot, value


class _Cast(NamedTuple):
    """What forward saved, together with the converted arrays that it was given."""

    saved: Any
    args: Sequence[Any]


def fused(
    compose: Callable[..., Any],
    forward: Forward,
    backward: Backward,
    *,
    mixed: int = 0,
    name: str | None = None,
    examples: Any = None,
) -> Primitive:
    """Make one primitive of a composition of others and its kernels.

    Parameters
    ----------
    compose : ``compose(*args, **kwargs) -> ans`` in differentiable functions; its docstring becomes the op's
    forward : ``forward(*args, **kwargs) -> (ans, saved)`` on plain arrays; ``saved`` is what backward needs
    backward : ``backward(needs, g, saved, *args, **kwargs)`` returns a cotangent (or None) for each position in
        ``needs``, the positional arguments that are differentiated
    mixed : how many of the first arguments are arrays to be converted to one dtype (Note [Mixed dtypes]); 0: the
        kernels take the arguments as they are
    name, examples : as for :func:`primitive`

    >>> from ddtrain.autodiff import grad
    >>> compose, forward = lambda x: x * x * x, lambda x: (x**3, 3 * x**2)
    >>> cube = fused(compose, forward, lambda needs, g, saved, x: [saved * g], name="cube")
    >>> grad(cube)(2.0), grad(grad(cube))(2.0)  # the kernels, and the composition
    (array(12.), array(12.))
    """

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs and any(type(v) in BOXES or isinstance(v, np.ndarray) for v in kwargs.values()):
            args, kwargs = _by_position(compose, args, kwargs)
        for a in args:
            if type(a) in BOXES:
                break
        else:
            alike = _alike(args, mixed)
            return compose(*_arrays(args, mixed), **kwargs) if alike is None else forward(*alike, **kwargs)[0]
        top, values, argnums, nodes, nested = strip(args)
        if top.records or (nested and top.fuses and not top.checks):
            recorded = args if top.records else values
            recorder = _recorder(recorded)
            alike = None if recorder is None else _alike(recorded, mixed)
            if alike is not None:
                ans, saved = recorder.forward(prim, alike, kwargs)
                if top is recorder:
                    return ans
                if alike is not values:
                    saved = _Cast(saved, alike)
                return box(ans, top, top.process(prim, saved, values, kwargs, argnums, nodes))
        alike = None if nested or not top.fuses else _alike(values, mixed)
        # nested differentiation: the composition has derivatives of every order, the kernels have not
        if alike is None:
            return compose(*_arrays(args, mixed), **kwargs)
        ans, saved = forward(*alike, **kwargs)
        if top.checks:
            top.checked_answer(prim, ans)
        if alike is not values:
            saved = _Cast(saved, alike)
        return box(ans, top, top.process(prim, saved, values, kwargs, argnums, nodes))

    def joint(
        argnums: tuple[int, ...], g: Any, saved: Any, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> Sequence[Any]:
        given = args
        if type(saved) is _Cast:
            saved, args = saved.saved, saved.args
        if type(saved) is Recorded and (type(g) not in BOXES or g._trace is saved.recorder):
            cotangents: list[Any] = saved.recorder.backward(prim, argnums, g, saved, args, kwargs)
            return cotangents
        if type(g) in BOXES:  # the cotangent itself is being differentiated
            return _compose_back(compose, argnums, g, given, kwargs)
        return backward(argnums, g, saved, *args, **kwargs)

    prim = declare(call, forward, name=name or compose.__name__, examples=examples)
    show_as(prim, compose)
    prim.joint, prim.compose, prim.backward = joint, compose, backward
    return prim


def _recorder(values: Sequence[Any]) -> Any:
    """The trace that records the kernels of a call, if it is the only one among the boxes of ``values``, or None."""
    recorder = None
    for value in values:
        if type(value) in BOXES:
            if not value._trace.records or type(value.value) in BOXES or recorder not in (None, value._trace):
                return None
            recorder = value._trace
    return recorder


def _alike(args: Sequence[Any], mixed: int) -> Sequence[Any] | None:
    """The arguments in one dtype, as the kernels need them; None if that is impossible (Note [Mixed dtypes])."""
    if not mixed:
        return args
    try:
        dtype = args[0].dtype
        for a in args[1:mixed]:
            if a is not None and a.dtype is not dtype:
                return _cast(args, mixed)
    except AttributeError:  # numbers and lists have no such attributes
        return _cast(_arrays(args, mixed), mixed)
    return args if dtype.kind == "f" else None


def _cast(args: Sequence[Any], mixed: int) -> Sequence[Any] | None:
    dtype = np.result_type(*[a for a in args[:mixed] if a is not None])
    if dtype.kind != "f":
        return None
    return [a.astype(dtype, copy=False) if i < mixed and a is not None else a for i, a in enumerate(args)]


def _arrays(args: Sequence[Any], mixed: int) -> Sequence[Any]:
    """The arguments, with numbers and lists in the place of arrays converted to arrays."""
    return [np.asarray(a) if i < mixed and a is not None and not hasattr(a, "dtype") else a for i, a in enumerate(args)]


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
