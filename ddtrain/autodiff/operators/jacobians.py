"""Whole Jacobians and Hessians, row by row in reverse mode."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ddtrain import tree
from ddtrain.autodiff.core.vector_space import stack
from ddtrain.autodiff.operators.argnums import Argnum, Arguments, as_array, is_floating
from ddtrain.autodiff.operators.vjp_jvp import Pull, pullback


def jacobian(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The Jacobian, of shape ``shape of the result + shape of the argument``.

    Structures nest: the structure of the result outside, that of the argument (a tuple, for several argnums) inside.

    Notes
    -----
    A complex function of complex arguments is taken to be holomorphic. Of a real function of complex arguments
    x + iy, the entries are u_x - i u_y; of a complex function u + iv of real arguments, u_x + i v_x.

    >>> import ddtrain.numpy as np
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    >>> jacobian(lambda p: {"y": p[0] * p[1]})([2.0, 3.0])
    {'y': [array(3.), array(2.)]}
    """

    @wraps(fun)
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        of = Arguments("jacobian", fun, argnum, args, kwargs)
        out, pull = pullback(of)
        of.refuse_whole(out)
        outs, rebuild = tree.flatten(out)
        zeros = [np.zeros_like(o) if not is_floating(o) else np.zeros(o.shape, o.dtype) for o in outs]
        return rebuild([_rows(of, pull, rebuild, zeros, k) if is_floating(o) else o for k, o in enumerate(outs)])

    return jacobian_of


def _rows(of: Arguments, pull: Pull, rebuild: Callable[[list[Any]], Any], zeros: list[Any], k: int) -> Any:
    """The derivatives of leaf ``k`` of the result, in the structure of the argument."""
    rows: list[list[Any]] = []
    turned = zeros[k].dtype.kind == "c" and any(x.dtype.kind == "f" for x in of.leaves)
    for index in np.ndindex(zeros[k].shape):
        g = zeros[k].copy()
        g[index] = 1
        row = tree.flatten(pull(rebuild([*zeros[:k], g, *zeros[k + 1 :]])))[0]
        # Real arguments have real cotangents; -1j * g gives those of the imaginary part (Note [Complex cotangents]).
        if turned:
            g = -1j * g
            imaginary = tree.flatten(pull(rebuild([*zeros[:k], g, *zeros[k + 1 :]])))[0]
            row = [
                re + 1j * im if x.dtype.kind == "f" else re for re, im, x in zip(row, imaginary, of.leaves, strict=True)
            ]
        rows.append(row)
    shape = zeros[k].shape
    if not rows:
        return of.rebuild([np.zeros(shape + x.shape, np.result_type(zeros[k].dtype, x.dtype)) for x in of.leaves])
    return of.rebuild([as_array(stack(shape + x.shape, *[row[i] for row in rows])) for i, x in enumerate(of.leaves)])


def hessian(fun: Callable[..., Any], argnum: Argnum = 0) -> Callable[..., Any]:
    """The matrix of second derivatives, of shape ``argument shape + argument shape``; of structures, every block.

    >>> import ddtrain.numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    return jacobian(jacobian(fun, argnum), argnum)
