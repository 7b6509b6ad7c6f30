"""Keywords of NumPy's functions that ours do not have: which change nothing, and what to do instead of the others."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from ddtrain.errors import DerivativeError
from ddtrain.user_lines import calling_line

REMEDIES = {  # keyword -> what to do instead of a traced call with it
    "axes": "Bring the axes last by moveaxis.",
    "casting": "Convert by astype first.",
    "cov": "Leave it out.",
    "dtype": "Convert by astype, which says that the derivative is zero.",
    "full": "Leave it out.",
    "keepdims": "Use expand_dims on the result.",
    "like": "Leave it out.",
    "mode": "Make the indices valid first, by % or clip.",
    "ndmin": "Use atleast_2d, or reshape the result.",
    "order": "Leave it out: a traced array has neither fields nor a layout of its own.",
    "out": "Leave it out, and use the result: a trace cannot follow what is written into an array.",
    "rcond": "Leave it out.",
    "signature": "Convert by astype first.",
    "weights": "Leave it out, or repeat the entries.",
    "where": "Choose by np.where from the result.",
}
# values of an argument that change neither the result nor its derivative
HARMLESS: dict[str, tuple[Any, ...]] = {
    "casting": ("same_kind",),
    "copy": (True, False),
    "device": ("cpu",),
    "keepdims": (False,),
    "kind": ("quicksort", "heapsort", "mergesort", "stable", "introselect"),
    "order": ("C", "F", "A", "K"),
    "overwrite_input": (True, False),
    "stable": (True, False),
    "subok": (True, False),
    "where": (True,),
}


def changes_nothing(key: str, value: Any, default: Any) -> bool:
    """Whether a call without ``key=value`` has the same value and derivative; ``default`` is NumPy's."""
    if value is default or value is None:
        return True
    if key == "out":
        return isinstance(value, tuple) and all(part is None for part in value)
    return isinstance(value, bool | str) and value in HARMLESS.get(key, ())


def refuse(name: str, key: str) -> NoReturn:
    """Raise the error for a traced call of function ``name`` with keyword ``key``."""
    raise DerivativeError(
        f"{name}: {key}= has no derivative rule",
        remedy=REMEDIES.get(key, "Leave it out."),
        line=calling_line(sys._getframe(1)) or "",
    )
