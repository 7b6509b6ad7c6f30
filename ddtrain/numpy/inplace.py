"""NumPy's functions that write into their argument: NumPy's own on plain arrays, refused on traced ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ddtrain.autodiff import BOXES
from ddtrain.errors import DerivativeError
from ddtrain.user_lines import calling_line

__all__ = ["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"]


def written_to(what: str = "", remedy: str = "", shape: tuple[int, ...] | None = None) -> DerivativeError:
    """The error for an assignment into an array under a trace, which cannot follow it."""
    line = calling_line(sys._getframe(1))
    return DerivativeError(
        f"{what}assignment into an array under a trace" + ("" if shape is None else f", of shape {shape}"),
        remedy=remedy or "Build a new array: np.where, np.concatenate or np.stack, and x = x + y for x += y.",
        **({"line": line} if line else {}),
    )


def _writing(fun: Callable[..., Any], remedy: str) -> Callable[..., Any]:
    @wraps(fun, assigned=("__doc__", "__name__"), updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(type(x) in BOXES for x in (*args, *kwargs.values())):
            raise written_to(f"{fun.__name__}: ", remedy)
        return fun(*args, **kwargs)

    return call


copyto = _writing(np.copyto, "Use np.where(mask, values, x).")
fill_diagonal = _writing(np.fill_diagonal, "Use np.where(np.eye(n, dtype=bool), value, x).")
place = _writing(np.place, "Use np.where(mask, values, x).")
put = _writing(np.put, "Use np.where(np.isin(np.arange(x.size), indices), values, x), or np.concatenate.")
put_along_axis = _writing(np.put_along_axis, "Use np.where(np.arange(n) == index, value, x).")
putmask = _writing(np.putmask, "Use np.where(mask, values, x).")
