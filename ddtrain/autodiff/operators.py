"""The operators people call: grad, jacobian, hvp and their relatives, built on one tape and one tangent walk.

Arguments may be nested lists, tuples and dicts of arrays; a derivative has the structure of its argument. Every
operator is itself made of differentiable functions, so operators nest.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.forward import push_forward
from ddtrain.autodiff.reverse import record, walk_back
from ddtrain.autodiff.space import spread, stack
from ddtrain.autodiff.tracer import BOXES
from ddtrain.errors import DerivativeError

Argnum = int | Sequence[int]


def _leaf(x: Any, operator: str) -> Any:
    """``x`` as something that can be traced: a floating array (or a box of one)."""
    if type(x) not in BOXES:
        x = np.asarray(x)
    if x.dtype.kind not in "fc":
        raise DerivativeError(
            f"{operator}: cannot differentiate with respect to a value of dtype {x.dtype}, shape {x.shape}",
            remedy="Pass floating-point numbers, e.g. x.astype(float).",
        )
    return x


class _Unary:
    """``fun`` seen as a function of the flat leaves of the arguments ``argnum``, the others held fixed."""

    def __init__(
        self, fun: Callable[..., Any], argnum: Argnum, args: tuple[Any, ...], kwargs: dict[str, Any], operator: str
    ) -> None:
        self.fun, self.argnum, self.args, self.kwargs = fun, argnum, args, kwargs
        try:
            chosen = args[argnum] if isinstance(argnum, int) else tuple(args[i] for i in argnum)
        except IndexError:
            name = getattr(fun, "__name__", "function")
            raise DerivativeError(
                f"{operator}: argnum {argnum}, but {name} was called with {len(args)} arguments"
            ) from None
        leaves, self.rebuild = tree.flatten(chosen)
        self.leaves = [_leaf(leaf, operator) for leaf in leaves]

    def __call__(self, *leaves: Any) -> Any:
        args, chosen = list(self.args), self.rebuild(list(leaves))
        if isinstance(self.argnum, int):
            args[self.argnum] = chosen
        else:
            for i, value in zip(self.argnum, chosen, strict=True):
                args[i] = value
        return self.fun(*args, **self.kwargs)


def _zero_like(x: Any) -> Any:
    return np.zeros(x.shape, x.dtype)


def _or_zeros(grads: list[Any], leaves: list[Any]) -> list[Any]:
    return [_zero_like(x) if g is None else _as_array(g) for g, x in zip(grads, leaves, strict=True)]


def _as_array(x: Any) -> Any:
    return x if type(x) in BOXES else np.asarray(x)


def _pullback(unary: _Unary, fun_of_leaves: Callable[..., Any] | None = None) -> tuple[Any, Callable[[Any], Any]]:
    """The output (one array), and the function from its cotangent to those of the leaves, as a structure."""
    out, tape, end = record(fun_of_leaves or unary, unary.leaves)
    out = _as_array(out)

    def pull(g: Any) -> Any:
        if end is None:
            return unary.rebuild([_zero_like(x) for x in unary.leaves])
        g = _as_array(g)
        if g.shape != out.shape or g.dtype != out.dtype:
            g = spread(g, out.shape, out.dtype)
        return unary.rebuild(_or_zeros(walk_back(tape, end, g), unary.leaves))

    return out, pull


def _check_scalar(out: Any, operator: str, fun: Callable[..., Any]) -> None:
    name = getattr(fun, "__name__", "function")
    if out.shape != ():
        raise DerivativeError(
            f"{operator}: {name} returned shape {out.shape}, but a gradient needs a scalar",
            remedy="Sum it, or use jacobian or elementwise_grad.",
        )
    if out.dtype.kind != "f":
        raise DerivativeError(f"{operator}: {name} returned dtype {out.dtype}, not a real number")


def value_and_grad(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Any, Any]]:
    """The function that returns the scalar ``fun(*args)`` and its gradient with respect to argument ``argnum``.

    Parameters
    ----------
    fun : returns a real scalar
    argnum : position of the argument, or a sequence of positions (the gradient is then a tuple)

    Returns
    -------
    Function of the same arguments; the gradient has the structure, shapes and dtypes of the argument.

    Raises
    ------
    DerivativeError : ``fun`` returns no real scalar; the argument is not floating

    >>> import ddtrain.numpy as np
    >>> value_and_grad(lambda w: np.sum(w**2))(np.array([1.0, 2.0]))
    (array(5.), array([2., 4.]))
    """

    @wraps(fun)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        unary = _Unary(fun, argnum, args, kwargs, "grad")
        out, pull = _pullback(unary)
        _check_scalar(out, "grad", fun)
        return out, pull(np.ones((), out.dtype))

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

    >>> grad_and_aux(lambda x: (x**2, "seen"))(3.0)
    (array(6.), 'seen')
    """

    @wraps(fun)
    def gradient_and_aux(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        unary, aux = _Unary(fun, argnum, args, kwargs, "grad_and_aux"), []

        def scalar(*leaves: Any) -> Any:
            out, extra = unary(*leaves)
            aux.append(extra)
            return out

        out, pull = _pullback(unary, scalar)
        _check_scalar(out, "grad_and_aux", fun)
        return pull(np.ones((), out.dtype)), aux[0]

    return gradient_and_aux


def elementwise_grad(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The gradient of the sum of ``fun``'s output: each entry's own derivative when ``fun`` works elementwise.

    >>> import ddtrain.numpy as np
    >>> elementwise_grad(lambda x: x**3)(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """

    @wraps(fun)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        out, pull = _pullback(_Unary(fun, argnum, args, kwargs, "elementwise_grad"))
        return pull(np.ones(out.shape, out.dtype))

    return derivative


def make_vjp(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Callable[[Any], Any], Any]]:
    """The function that returns ``(pullback, fun(*args))``; ``pullback(g)`` is g times the Jacobian.

    >>> pullback, value = make_vjp(lambda x: x**2)(3.0)
    >>> value, pullback(1.0)
    (array(9.), array(6.))
    """

    @wraps(fun)
    def vjp_of(*args: Any, **kwargs: Any) -> tuple[Callable[[Any], Any], Any]:
        out, pull = _pullback(_Unary(fun, argnum, args, kwargs, "vjp"))
        return pull, out

    return vjp_of


def make_jvp(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Callable[[Any], tuple[Any, Any]]]:
    """The function that returns ``push``; ``push(v)`` is ``(fun(*args), the Jacobian times v)``, in forward mode.

    >>> make_jvp(lambda x: x**2)(3.0)(1.0)
    (array(9.), array(6.))
    """

    @wraps(fun)
    def jvp_of(*args: Any, **kwargs: Any) -> Callable[[Any], tuple[Any, Any]]:
        unary = _Unary(fun, argnum, args, kwargs, "jvp")

        def push(v: Any) -> tuple[Any, Any]:
            directions, _ = tree.flatten(v)
            if len(directions) != len(unary.leaves):
                raise DerivativeError(
                    f"jvp: {len(unary.leaves)} leaves in the argument but {len(directions)} in the tangent"
                )
            tangents = [_fit(d, x) for d, x in zip(directions, unary.leaves, strict=True)]
            return push_forward(unary, unary.leaves, tangents)

        return push

    return jvp_of


def _fit(tangent: Any, x: Any) -> Any:
    tangent = _as_array(tangent)
    if tangent.shape != x.shape:
        raise DerivativeError(f"jvp: tangent has shape {tangent.shape} but the argument {x.shape}")
    return tangent if tangent.dtype == x.dtype else spread(tangent, x.shape, x.dtype)


def vjp(fun: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], Any]]:
    """``(fun(*args), pullback)`` with respect to all arguments; ``pullback(g)`` is a tuple, one entry an argument.

    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 5.0)
    >>> value, pullback(1.0)
    (array(10.), (array(5.), array(2.)))
    """
    return _pullback(_Unary(fun, tuple(range(len(args))), args, {}, "vjp"))


def jvp(fun: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``fun(*args)`` and its derivative along ``tangents``, one an argument, in forward mode.

    >>> jvp(lambda x, y: x * y, (2.0, 5.0), (1.0, 0.0))
    (array(10.), array(5.))
    """
    return make_jvp(fun, tuple(range(len(args))))(*args)(tuple(tangents))


def jacobian(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The Jacobian, of shape ``output shape + argument shape``, row by row in reverse mode.

    Raises
    ------
    DerivativeError : the argument is not one array

    >>> import ddtrain.numpy as np
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @wraps(fun)
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        unary = _Unary(fun, argnum, args, kwargs, "jacobian")
        if len(unary.leaves) != 1:
            raise DerivativeError(f"jacobian: argument {argnum} must be one array, not {len(unary.leaves)}")
        out, pull = _pullback(unary)
        rows = []
        for index in itertools.product(*map(range, out.shape)):
            g = np.zeros(out.shape, out.dtype)
            g[index] = 1
            rows.append(tree.flatten(pull(g))[0][0])
        x = unary.leaves[0]
        if not rows:
            return np.zeros(out.shape + x.shape, out.dtype)
        return stack(out.shape + x.shape, *rows)

    return jacobian_of


def hessian(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """The matrix of second derivatives, of shape ``argument shape + argument shape``.

    >>> import ddtrain.numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacobian(jacobian(fun, argnum), argnum)


def make_hvp(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Callable[[Any], Any], Any]]:
    """The function that returns ``(product, gradient)``; ``product(v)`` is the Hessian times v.

    >>> product, gradient = make_hvp(lambda x: x**3)(2.0)
    >>> gradient, product(1.0)
    (array(12.), array(12.))
    """

    def hvp_of(*args: Any, **kwargs: Any) -> tuple[Callable[[Any], Any], Any]:
        gradient = grad(fun, argnum)
        push = make_jvp(lambda *a: gradient(*a, **kwargs), argnum)(*args)
        return _second(push), gradient(*args, **kwargs)

    def _second(push: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda v: push(v)[1]

    return hvp_of


def hvp(fun: Callable[..., Any], args: Sequence[Any], v: Any, argnum: Argnum = 0) -> Any:
    """The Hessian of ``fun`` at ``args`` times ``v``: forward mode over reverse, about twice a gradient's cost.

    >>> import ddtrain.numpy as np
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    return make_jvp(grad(fun, argnum), argnum)(*args)(v)[1]
