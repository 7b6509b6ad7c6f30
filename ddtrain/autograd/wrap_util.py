"""Autograd's ``wrap_util``: operators of functions of one argument, made operators of any function and ``argnum``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps as _wraps
from typing import Any

from ddtrain.autodiff.operators.argnums import Argnum, positions_of
from ddtrain.autograd._absent import absent

__all__ = ["get_doc", "get_name", "unary_to_nary"]

__getattr__ = absent(__name__, dict.fromkeys(("wraps", "wrap_nary_f"), "functools.wraps carries name and docstring"))


def get_name(f: Any) -> str:
    """The name of a function."""
    return getattr(f, "__name__", "[unknown name]")


def get_doc(f: Any) -> str:
    """The docstring of a function."""
    return getattr(f, "__doc__", None) or ""


def unary_to_nary(unary_operator: Callable[..., Any]) -> Callable[..., Any]:
    """``unary_operator(fun, x, ...)`` as ``operator(fun, argnum, ...)(*args)``; x is a tuple for several argnums.

    >>> value_of_square = unary_to_nary(lambda fun, x: fun(x) ** 2)
    >>> value_of_square(lambda a, b: a - b, 1)(5.0, 2.0)
    9.0
    """

    @_wraps(unary_operator)
    def operator(fun: Callable[..., Any], argnum: Argnum = 0, *op_args: Any, **op_kwargs: Any) -> Callable[..., Any]:
        positions, single = positions_of(argnum)

        @_wraps(fun)
        def of_fun(*args: Any, **kwargs: Any) -> Any:
            def unary(x: Any) -> Any:
                full = list(args)
                for i, value in zip(positions, [x] if single else x, strict=True):
                    full[i] = value
                return fun(*full, **kwargs)

            unary.__name__ = get_name(fun)
            x = args[positions[0]] if single else tuple(args[i] for i in positions)
            return unary_operator(unary, x, *op_args, **op_kwargs)

        return of_fun

    return operator
