"""SciPy with derivatives: ``special stats linalg signal integrate``, in both modes, to any order.

The same names on the same arrays; a traced value may stand wherever an array may. What has no rule here still is
SciPy's own function on plain arrays, and refuses a traced value by name. SciPy is an extra: nothing else in ddtrain
imports it. Parts of it take a second to import, so each part here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

try:
    import scipy as _scipy
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "ddtrain.scipy needs SciPy, which is not installed: pip install 'ddtrain[scipy]'", name="scipy"
    ) from missing

PARTS = ("integrate", "linalg", "signal", "special", "stats")
__all__ = [*PARTS]


def __getattr__(name: str) -> ModuleType:
    if name not in PARTS:
        raise AttributeError(f"ddtrain.scipy has no part {name!r}; it has {', '.join(PARTS)}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return [*PARTS]
