"""Lists of traced values where an array is expected: ``np.sum([x, y])``. NumPy takes them for arrays, and so do we.

They are not searched for beforehand: a traced value refuses to become a plain array, and the failed call is then made
again with arrays in place of its lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff.core.boxes import BOXES
from ddtrain.autodiff.core.primitives import take_lists
from ddtrain.autodiff.core.vector_space import stack
from ddtrain.errors import DerivativeError


def holds_box(x: Any) -> bool:
    """Whether ``x``, or anything in its nested lists and tuples, is traced."""
    return type(x) in BOXES or (isinstance(x, list | tuple) and any(map(holds_box, x)))


def gather(x: Any) -> Any:
    """``x`` if it is an array, traced or not; an array of a number or nested lists, traced if anything in them is.

    >>> from ddtrain import grad
    >>> grad(lambda t: gather([[t, 1.0], [2.0, t]])[1, 1])(5.0)
    array(1.)
    """
    if type(x) in BOXES or not holds_box(x):
        return x if hasattr(x, "shape") else np.asarray(x)
    rows = [gather(part) for part in x]
    return stack((len(rows), *rows[0].shape), *rows)


def again_with_arrays(
    call: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], error: Exception | None
) -> Any:
    """Repeat the call that raised ``error``, with arrays for lists of traced values; raise it if there are none."""
    refused = error is None or isinstance(error, DerivativeError) or isinstance(error.__cause__, DerivativeError)
    lists = [i for i, a in enumerate(args) if type(a) not in BOXES and holds_box(a)] if refused else []
    if error is not None and not lists:
        raise error
    return call(*[gather(a) if i in lists else a for i, a in enumerate(args)], **kwargs)


take_lists(gather, again_with_arrays)
