"""Second derivatives times a vector, without forming the matrix: forward mode over reverse.

One product costs about two gradients, whatever the number of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ddtrain import tree
from ddtrain.autodiff.operators.argnums import Argnum, Arguments
from ddtrain.autodiff.operators.gradients import grad
from ddtrain.autodiff.operators.vjp_jvp import make_jvp, pullback, pushforward


def make_hvp(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., tuple[Callable[[Any], Any], Any]]:
    """The function that returns ``(product, gradient)``; ``product(v)`` is the Hessian times v.

    >>> product, gradient = make_hvp(lambda x: x**3)(2.0)
    >>> gradient, product(1.0)
    (array(12.), array(12.))
    """
    gradient = grad(fun, argnum)
    push_of = make_jvp(gradient, argnum)

    @wraps(fun)
    def hvp_of(*args: Any, **kwargs: Any) -> tuple[Callable[[Any], Any], Any]:
        push = push_of(*args, **kwargs)
        return lambda v: push(v)[1], gradient(*args, **kwargs)

    return hvp_of


def hvp(fun: Callable[..., Any], args: Sequence[Any], v: Any, argnum: Argnum = 0) -> Any:
    """The Hessian of ``fun`` at ``args`` times ``v``, which has the structure of the argument.

    >>> import ddtrain.numpy as np
    >>> hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    return make_jvp(grad(fun, argnum), argnum)(*args)(v)[1]


def hessian_tensor_product(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The function of ``(*args, v)`` that returns the Hessian times ``v``.

    >>> hessian_tensor_product(lambda x: x**3)(2.0, 1.0)
    array(12.)
    """
    push_of = make_jvp(grad(fun, argnum), argnum)

    @wraps(fun)
    def product(*args_and_v: Any, **kwargs: Any) -> Any:
        *args, v = args_and_v
        return push_of(*args, **kwargs)(v)[1]

    return product


hessian_vector_product = hessian_tensor_product


def _half_square(x: Any) -> Any:
    return 0.5 * sum((part * part).sum() for part in tree.flatten(x)[0])


def make_ggnvp(
    f: Callable[..., Any], g: Callable[..., Any] = _half_square, f_argnum: int = 0
) -> Callable[..., Callable[[Any], Any]]:
    """The function that returns ``product``; ``product(v)`` is the generalised Gauss-Newton matrix of g(f(x)) times v.

    Parameters
    ----------
    f : the model, whose own second derivatives are left out
    g : the loss, a real scalar of f's result; by default half the result's squared length
    f_argnum : position of f's argument

    Notes
    -----
    The matrix is J' H J, with J the Jacobian of f and H the Hessian of g: positive semi-definite for a convex g.

    References
    ----------
    Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, Neural Computation 14, 2002.

    >>> import ddtrain.numpy as np
    >>> make_ggnvp(lambda x: x**2)(np.array([1.0, 3.0]))(np.array([1.0, 1.0]))
    array([ 4., 36.])
    """

    @wraps(f)
    def ggnvp_of(*args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        of = Arguments("make_ggnvp", f, f_argnum, args, kwargs)
        out, pull = pullback(of)
        return lambda v: pull(hvp(g, (out,), pushforward(of, v)[1]))

    return ggnvp_of
