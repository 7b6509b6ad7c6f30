"""What a function accepts, read from its signature, so that a primitive recognises calls that its rules cannot take."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter
from typing import Any

import numpy as np


class Everything(frozenset[str]):
    """The set of all names."""

    def __contains__(self, key: object) -> bool:
        return True


def takes(raw: Callable[..., Any]) -> tuple[int, frozenset[str]]:
    """How many positional arguments a function takes, and which keywords; for a ufunc, its arrays alone.

    >>> takes(np.add)
    (2, frozenset())
    >>> takes(lambda x, *, axis=None: x)[0]
    1
    """
    if isinstance(raw, np.ufunc):
        return raw.nin, frozenset()
    try:
        parameters = inspect.signature(raw).parameters.values()
    except ValueError:  # some functions written in C have no signature
        return sys.maxsize, Everything()
    kinds = [p.kind for p in parameters]
    positions = sum(kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)
    return (
        sys.maxsize if Parameter.VAR_POSITIONAL in kinds else positions,
        Everything() if Parameter.VAR_KEYWORD in kinds else frozenset(p.name for p in parameters),
    )


def fits(fun: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Whether a call fits the parameters of ``fun``; True if they are not known.

    >>> fits(lambda x, axis=None: x, [1.0], {"axes": 0})
    False
    """
    try:
        inspect.signature(fun).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
