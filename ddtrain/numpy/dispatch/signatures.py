"""Signatures of NumPy's functions and of ours, and which parameter of one is which of the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import BoundArguments, Parameter, Signature
from typing import Any

import numpy as np


def parameters(fun: Callable[..., Any]) -> Signature | None:
    """The signature of a function of NumPy's or of ours; None if nothing is known of it."""
    fun = getattr(fun, "raw", fun)
    if isinstance(fun, np.ufunc) and fun.signature is None:
        arrays = [Parameter(f"x{i + 1}", Parameter.POSITIONAL_ONLY) for i in range(fun.nin)]
        defaults = {
            "where": True,
            "casting": "same_kind",
            "order": "K",
            "dtype": None,
            "subok": True,
            "signature": None,
        }
        options = [Parameter(key, Parameter.KEYWORD_ONLY, default=value) for key, value in defaults.items()]
        return Signature([*arrays, Parameter("out", Parameter.POSITIONAL_OR_KEYWORD, default=None), *options])
    try:
        return inspect.signature(fun)
    except ValueError:  # some functions written in C have no signature
        return None


def own_parameters(ours: Callable[..., Any]) -> Signature:
    """The arguments that our function, or a primitive's rules, take."""
    raw = getattr(ours, "raw", ours)
    signature = parameters(ours) or Signature([Parameter("args", Parameter.VAR_POSITIONAL)])
    if not isinstance(raw, np.ufunc):
        return signature
    return Signature(list(signature.parameters.values())[: raw.nin])


def renamed(ours: Callable[..., Any], theirs: Callable[..., Any]) -> dict[str, str]:
    """NumPy's name of a parameter -> ours, which has it at the same position or by the same name.

    >>> renamed(lambda x, axis=None: x, np.sum)
    {'a': 'x', 'axis': 'axis'}
    """
    own, signature = own_parameters(ours), parameters(theirs)
    if signature is None:
        return {}
    mine = [p.name for p in own.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
    found = {}
    for i, key in enumerate(signature.parameters):
        if key in mine:
            found[key] = key
        elif i < len(mine) and mine[i] not in signature.parameters and _positional(own, mine[i]):
            found[key] = mine[i]
    return found


def _positional(signature: Signature, key: str) -> bool:
    return signature.parameters[key].kind is not Parameter.KEYWORD_ONLY


def bound_to(signature: Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BoundArguments | None:
    """The arguments by the names of their parameters; None if the signature does not take them."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError:
        return None
