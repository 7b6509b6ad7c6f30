"""Products with derivatives: cotangents pulled back, tangents pushed forward, and Hessians as one through the other.

Everything else an operator returns is made of these. Functions take and return nested lists, tuples and dicts of
arrays; a product has the structure of the argument or of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, cast

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import value_of
from ddtrain.autodiff.core.forward import push_forward
from ddtrain.autodiff.core.outputs import pack, unpack
from ddtrain.autodiff.core.reverse import record, walk_back
from ddtrain.autodiff.core.vector_space import own, spread, stack
from ddtrain.autodiff.core.watched_arrays import WatchingTape, name_of
from ddtrain.autodiff.operators.argnums import Argnum, Arguments, Result, as_array, called
from ddtrain.errors import DerivativeError

Pull = Callable[[Any], Any]


def pullback(of: Arguments) -> tuple[Any, Pull]:
    """The result of a function, and the map from its cotangent to that of the arguments, which may be called often."""
    result = Result(of.operator, of.fun)
    out, tape, end = record(lambda *leaves: result.take(of(*leaves)), of.leaves, WatchingTape)
    value = result.give(out)

    def pull(g: Any) -> Any:
        of.check_unchanged()
        if (written := cast(WatchingTape, tape).written_to()) is not None:
            name = name_of(written[0], of.fun, of.args, of.kwargs, of.argnum)
            raise of.written_beside(name, *written)
        g = _fit(g, value, "cotangent", of) if result.rebuild is None else _fit_structure(g, out, result, of)
        try:
            grads = walk_back(tape, end, g) if end is not None else [None] * len(of.leaves)
        except DerivativeError as error:  # raised by a rule during the walk
            error.at(function=called(of.fun))
            raise
        return of.rebuild([_zeros(x) if g is None else own(g) for g, x in zip(grads, of.leaves)])

    return value, pull


def pushforward(of: Arguments, v: Any) -> tuple[Any, Any]:
    """The result of a function, and its tangent along ``v``, which has the structure of the argument."""
    directions, _ = tree.flatten(v)
    if len(directions) != len(of.leaves):
        raise DerivativeError(
            f"{of.operator}: {len(of.leaves)} leaves in the argument but {len(directions)} in the tangent"
        )
    value, tangent = push_forward(of, of.leaves, [_fit(d, x, "tangent", of) for d, x in zip(directions, of.leaves)])
    return value, tree.map_leaves(own, tangent)


def _zeros(x: Any) -> Any:
    return np.zeros(x.shape, x.dtype)


def _fit(v: Any, x: Any, what: str, of: Arguments) -> Any:
    """``v`` in the shape and dtype of ``x``: a cotangent may be broadcast, a tangent must have the shape."""
    v = as_array(v)
    if v.shape == x.shape and v.dtype == x.dtype:
        return v
    if v.dtype.kind not in "fcbiu":
        raise DerivativeError(f"{of.operator}: the {what} has dtype {v.dtype}, not numbers")
    if v.shape != x.shape and (what == "tangent" or not _broadcasts(v.shape, x.shape)):
        other = "the argument" if what == "tangent" else f"the result of {called(of.fun)}"
        raise DerivativeError(f"{of.operator}: {what} has shape {v.shape} but {other} {x.shape}")
    return spread(v, x.shape, x.dtype)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    return len(shape) <= len(to) and all(n in (1, m) for n, m in zip(reversed(shape), reversed(to)))


def _fit_structure(g: Any, out: Any, result: Result, of: Arguments) -> Any:
    """The structure ``g`` as a cotangent of ``out``, the value that the trace has."""
    leaves, _ = tree.flatten(g)
    if len(leaves) != len(result.leaves):
        raise DerivativeError(
            f"{of.operator}: {called(of.fun)} returned {len(result.leaves)} leaves, "
            f"but the cotangent has {len(leaves)}",
            remedy="Give the cotangent the structure of the result.",
        )
    parts = [as_array(part) for part in unpack(out)]
    return pack(*[_fit(leaves[k], part, "cotangent", of) for k, part in zip(result.moving, parts, strict=True)])


def make_vjp(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Pull, Any]]:
    """The function that returns ``(pullback, fun(*args))``; ``pullback(g)`` is g times the Jacobian.

    >>> pullback, value = make_vjp(lambda x: x**2)(3.0)
    >>> value, pullback(1.0)
    (array(9.), array(6.))
    """

    @wraps(fun)
    def vjp_of(*args: Any, **kwargs: Any) -> tuple[Pull, Any]:
        out, pull = pullback(Arguments("vjp", fun, argnum, args, kwargs))
        return pull, out

    return vjp_of


def make_jvp(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Callable[[Any], tuple[Any, Any]]]:
    """The function that returns ``push``; ``push(v)`` is ``(fun(*args), the Jacobian times v)``, in forward mode.

    >>> make_jvp(lambda x: x**2)(3.0)(1.0)
    (array(9.), array(6.))
    """

    @wraps(fun)
    def jvp_of(*args: Any, **kwargs: Any) -> Callable[[Any], tuple[Any, Any]]:
        of = Arguments("jvp", fun, argnum, args, kwargs)
        return lambda v: pushforward(of, v)

    return jvp_of


def vjp(fun: Callable[..., Any], *args: Any) -> tuple[Any, Pull]:
    """``(fun(*args), pullback)`` with respect to all arguments; ``pullback(g)`` is a tuple, one entry an argument.

    The result may be a structure; its cotangent has the same.

    >>> value, pullback = vjp(lambda x, y: {"product": x * y, "n": 2}, 2.0, 5.0)
    >>> value, pullback({"product": 1.0, "n": 0})
    ({'product': array(10.), 'n': 2}, (array(5.), array(2.)))
    """
    return pullback(Arguments("vjp", fun, tuple(range(len(args))), args, {}))


def jvp(fun: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``fun(*args)`` and its derivative along ``tangents``, one an argument, in forward mode.

    >>> jvp(lambda x, y: x * y, (2.0, 5.0), (1.0, 0.0))
    (array(10.), array(5.))
    """
    return pushforward(Arguments("jvp", fun, tuple(range(len(args))), args, {}), tuple(tangents))


def tensor_jacobian_product(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The function of ``(*args, g)`` that returns the cotangent ``g`` times the Jacobian, without forming it.

    If ``g`` has fewer axes than the result, it is summed with the first of them; the others come first in the product.

    >>> product = tensor_jacobian_product(lambda x: x**2)
    >>> product(np.array([1.0, 2.0]), np.array([1.0, -1.0]))
    array([ 2., -4.])
    >>> product(np.ones((2, 3)), np.array([1.0, -1.0])).shape
    (3, 2, 3)
    """

    @wraps(fun)
    def product(*args_and_g: Any, **kwargs: Any) -> Any:
        *args, g = args_and_g
        of = Arguments("tensor_jacobian_product", fun, argnum, args, kwargs)
        out, pull = pullback(of)
        axes = out.ndim - np.ndim(value_of(g)) if hasattr(out, "ndim") else 0
        return pull(g) if axes <= 0 else _summed_against_first(as_array(g), out.shape[-axes:], pull, of)

    return product


def _summed_against_first(g: Any, others: tuple[int, ...], pull: Pull, of: Arguments) -> Any:
    """``g`` times the Jacobian, for each position along the ``others``, the last axes of the result."""
    rows = []
    for index in np.ndindex(others):
        one = np.zeros(others)
        one[index] = 1.0
        rows.append(tree.flatten(pull(g.reshape(g.shape + (1,) * len(others)) * one))[0])
    columns = zip(*rows, strict=True) if rows else [() for _ in of.leaves]
    return of.rebuild(
        [
            as_array(stack((*others, *x.shape), *column)) if rows else np.zeros((*others, *x.shape), x.dtype)
            for column, x in zip(columns, of.leaves, strict=True)
        ]
    )


vector_jacobian_product = tensor_jacobian_product
