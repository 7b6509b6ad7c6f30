"""grad and its relatives, which differentiate functions that return one number.

Arguments may be nested lists, tuples and dicts of arrays; a derivative has the structure of its argument. Every
operator is itself made of differentiable functions, so operators nest. ``vjp_jvp``, ``curvature`` and ``jacobians``
hold the rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.boxes import value_of
from ddtrain.autodiff.operators.argnums import Argnum, Arguments, called
from ddtrain.autodiff.operators.vjp_jvp import pullback, pushforward
from ddtrain.errors import DerivativeError, kind_of


def _check_scalar(out: Any, of: Arguments) -> None:
    if not hasattr(out, "shape"):
        raise DerivativeError(
            f"{of.operator}: {called(of.fun)} returned {kind_of(out)}, but a gradient needs a scalar",
            remedy="Use jacobian or make_vjp, or grad_and_aux for results beside the scalar.",
        )
    if out.size != 1:
        raise DerivativeError(
            f"{of.operator}: {called(of.fun)} returned shape {out.shape}, but a gradient needs a scalar",
            remedy="Sum it, or use jacobian or elementwise_grad.",
        )
    of.refuse_whole(out)
    if out.dtype.kind == "c":
        raise DerivativeError(
            f"{of.operator}: {called(of.fun)} returned dtype {out.dtype}, not a real number",
            remedy="Take its real part or absolute value, or use holomorphic_grad.",
        )


def value_and_grad(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Any, Any]]:
    """The function that returns the scalar ``fun(*args)`` and its gradient with respect to argument ``argnum``.

    Parameters
    ----------
    fun : returns one real number
    argnum : position of the argument, or a sequence of positions (the gradient is then a tuple)

    Returns
    -------
    Function of the same arguments; the gradient has the structure, shapes and dtypes of the argument. By a complex
    argument x + iy it is u_x - i u_y.

    Raises
    ------
    DerivativeError : ``fun`` returns no real scalar; the argument is not floating, or was written to by ``fun``

    >>> import ddtrain.numpy as np
    >>> value_and_grad(lambda w: np.sum(w**2))(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """

    @wraps(fun)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        of = Arguments("grad", fun, argnum, args, kwargs)
        out, pull = pullback(of)
        _check_scalar(out, of)
        return out, pull(np.ones(out.shape, out.dtype))

    return value_and_gradient


def grad(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The gradient of a scalar function, as a function of the same arguments. See :func:`value_and_grad`.

    >>> import ddtrain.numpy as np
    >>> grad(np.tanh)(0.0)
    array(1.)
    >>> grad(grad(np.sin))(0.5) == -np.sin(0.5)
    np.True_
    """
    both = value_and_grad(fun, argnum)

    @wraps(fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def grad_and_aux(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Any, Any]]:
    """For ``fun`` returning ``(scalar, aux)``: the function that returns the gradient of the scalar, and aux.

    >>> grad_and_aux(lambda x: (x**2, {"square": x**2, "seen": True}))(3.0)
    (array(6.), {'square': array(9.), 'seen': True})
    """

    @wraps(fun)
    def gradient_and_aux(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        of = Arguments("grad_and_aux", fun, argnum, args, kwargs)
        (out, aux), pull = pullback(of)
        _check_scalar(out, of)
        nothing = tree.map_leaves(np.zeros_like, tree.map_leaves(value_of, aux))
        return pull((np.ones(out.shape, out.dtype), nothing)), aux

    return gradient_and_aux


def grad_named(fun: Callable[..., Any], argname: str) -> Callable[..., Any]:
    """:func:`grad` with respect to the positional argument called ``argname``.

    >>> grad_named(lambda x, rate: x * rate, "rate")(3.0, 5.0)
    array(3.)
    """
    names = list(signature(fun).parameters)
    if argname not in names:
        raise DerivativeError(f"grad_named: {called(fun)} has no argument {argname!r}, only {', '.join(names)}")
    return grad(fun, names.index(argname))


def multigrad_dict(fun: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """The gradients with respect to all arguments at once, by name; of the defaults, to floating ones.

    ``*args`` come as a tuple, ``**kwargs`` as a dict under their names.

    >>> multigrad_dict(lambda x, rate=5.0: x * rate)(3.0)
    {'x': array(5.), 'rate': array(3.)}
    """
    sig = signature(fun)

    @wraps(fun)
    def gradients(*args: Any, **kwargs: Any) -> dict[str, Any]:
        bound = sig.bind(*args, **kwargs)
        given = set(bound.arguments)
        bound.apply_defaults()
        constant = {k: v for k, v in bound.arguments.items() if k not in given and not _of_numbers(v)}

        @wraps(fun)
        def of_named(named: dict[str, Any]) -> Any:
            positional: list[Any] = []
            by_name: dict[str, Any] = {}
            for name in bound.arguments:
                value, kind = (constant if name in constant else named)[name], sig.parameters[name].kind
                if kind is Parameter.VAR_POSITIONAL:
                    positional += value
                elif kind is Parameter.VAR_KEYWORD:
                    by_name |= value
                elif kind is Parameter.KEYWORD_ONLY:
                    by_name[name] = value
                else:
                    positional.append(value)
            return fun(*positional, **by_name)

        gradient: dict[str, Any] = grad(of_named)({k: v for k, v in bound.arguments.items() if k not in constant})
        return gradient

    return gradients


def _of_numbers(default: Any) -> bool:
    """Whether a default holds floating-point numbers alone, and is no option such as ``axis=0``."""
    leaves = tree.flatten(default)[0]
    return all(isinstance(leaf, float | complex | np.inexact) or _inexact(leaf) for leaf in leaves)


def _inexact(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind in "fc"


def elementwise_grad(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The gradient of the sum of ``fun``'s real output: each entry's own derivative when ``fun`` works elementwise.

    >>> import ddtrain.numpy as np
    >>> elementwise_grad(lambda x: x**3)(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """

    @wraps(fun)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        of = Arguments("elementwise_grad", fun, argnum, args, kwargs)
        out, pull = pullback(of)
        of.refuse_whole(out)
        if any(value_of(part).dtype.kind == "c" for part in tree.flatten(out)[0] if hasattr(part, "dtype")):
            raise DerivativeError(
                f"elementwise_grad: {called(fun)} returned complex numbers", remedy="Use jacobian or holomorphic_grad."
            )
        return pull(tree.map_leaves(lambda part: np.ones_like(value_of(part)), out))

    return derivative


def holomorphic_grad(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The complex derivative of a holomorphic function to one complex number.

    >>> holomorphic_grad(lambda z: z**2)(1.0 + 2.0j)
    array(2.+4.j)
    """

    @wraps(fun)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        of = Arguments("holomorphic_grad", fun, argnum, args, kwargs)
        if any(x.dtype.kind != "c" for x in of.leaves):
            warnings.warn(
                f"holomorphic_grad: {of.place(0)} is not complex: of the result, the real part counts", stacklevel=2
            )
        out, pull = pullback(of)
        _check_scalar(out.real if hasattr(out, "real") else out, of)
        # the gradient of the real part is u_x - i u_y, which equals f' where f is holomorphic
        return pull(np.ones(out.shape, out.dtype))

    return derivative


def deriv(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The derivative along a tangent of ones, in forward mode: for functions of one number, with any result.

    >>> import ddtrain.numpy as np
    >>> deriv(lambda t: np.array([t, t**2]))(3.0)
    array([1., 6.])
    """

    @wraps(fun)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        of = Arguments("deriv", fun, argnum, args, kwargs)
        value, tangent = pushforward(of, of.rebuild([np.ones(x.shape, x.dtype) for x in of.leaves]))
        of.refuse_whole(value)
        return tangent

    return derivative
