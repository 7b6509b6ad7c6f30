"""Calls in NumPy's words: its names of parameters, their positions, and the keywords that ours do not have.

Where nothing is traced, NumPy itself answers. A traced call goes to ours, and only one that ours does not take is
read here, by NumPy's signature: every argument goes where ours has it, has a meaning in ``MEANINGS``, changes no
derivative, or is refused by name. A primitive comes here through ``otherwise``, so that its usual calls stay fast.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.autodiff import BOXES, Primitive
from ddtrain.autodiff.core.array_lists import holds_box
from ddtrain.autodiff.core.signatures import fits
from ddtrain.errors import DerivativeError
from ddtrain.numpy.dispatch.keywords import changes_nothing, refuse
from ddtrain.numpy.dispatch.signatures import bound_to, own_parameters, parameters, renamed
from ddtrain.numpy.elementwise.casts import astype

# NumPy's function -> ours with NumPy's parameter names and more of its keywords
MEANINGS: dict[Any, Callable[..., Any]] = {}

# ours answers in any case: functions of functions, which may hold what is traced; and Cholesky's factor, of which ours
# reads both triangles, so that its derivative is symmetric
ALONE = {"apply_along_axis", "apply_over_axes", "linalg.cholesky", "piecewise", "vectorize"}


def in_numpys_words(name: str, ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    """``ours`` for traced values, in every call of NumPy's function ``theirs``, which answers the others.

    >>> from ddtrain.numpy.along_axes.quantiles import median
    >>> in_numpys_words("median", median, np.median)(a=[1.0, 5.0, 2.0], overwrite_input=True)
    np.float64(2.0)
    """
    ours_alone = name in ALONE

    @functools.wraps(ours)
    def call(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if type(a) in BOXES:
                break
        else:
            if not (ours_alone or holds_box(args) or (kwargs and holds_box(tuple(kwargs.values())))):
                try:
                    return theirs(*args, **kwargs)
                except (AttributeError, TypeError):  # ours may accept more, such as complex numbers
                    if not fits(ours, args, kwargs):
                        raise
        try:
            return ours(*args, **kwargs)
        except TypeError:
            if fits(ours, args, kwargs):
                raise
            return _read(name, ours, theirs, args, kwargs)

    return call


def answer_otherwise(prim: Primitive, name: str, theirs: Callable[..., Any]) -> None:
    """Let a primitive take every call that NumPy's function ``theirs`` takes."""

    def otherwise(prim: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not (holds_box(args) or holds_box(tuple(kwargs.values()))):
            return theirs(*args, **kwargs)
        return _read(name, prim, theirs, args, kwargs)

    prim.otherwise = otherwise


def _read(name: str, ours: Any, theirs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call with traced values that ours does not take as it stands."""
    own, signature = own_parameters(ours), parameters(theirs)
    if (bound := bound_to(own, args, kwargs)) is not None:
        if bound.arguments.get("out") is not None:  # only NumPy's own nondifferentiable functions have ``out``
            refuse(name, "out")
        return _by_position(name, ours, bound)
    if signature is None or (bound := bound_to(signature, args, kwargs)) is None:
        raise TypeError(f"{name} takes {str(signature or own).replace('=<no value>', '')}, not such a call")
    names = renamed(ours, theirs)
    given = {
        key: value
        for key, value in bound.arguments.items()
        if key in names or not changes_nothing(key, value, signature.parameters[key].default)
    }
    known = inspect.signature(MEANINGS[theirs]).parameters if theirs in MEANINGS else ()
    takes = names if all(key in names or key == "dtype" for key in given) else known
    if given.get("dtype") is not None and "dtype" not in takes and np.dtype(given["dtype"]).kind in "fc":
        dtype = np.dtype(given.pop("dtype"))
        given = {key: _cast(name, value, dtype) for key, value in given.items()}
    unknown = [key for key in given if key not in names and key not in known]
    if unknown := unknown or [key for key in given if key not in takes]:
        refuse(name, unknown[0])
    if takes is known:
        return MEANINGS[theirs](**given)
    arguments = {names[key]: value for key, value in given.items()}
    ordered = {key: arguments[key] for key in own.parameters if key in arguments}
    return _by_position(name, ours, inspect.BoundArguments(own, ordered))


def _by_position(name: str, ours: Any, bound: inspect.BoundArguments) -> Any:
    """The call with every argument at its position, where a primitive's rules find it."""
    bound.apply_defaults()
    if hasattr(ours, "raw"):
        ruled = range(len(bound.args)) if ours.vjp_default or ours.joint or not ours.differentiable else ours.vjps
        for i, (key, value) in enumerate(bound.arguments.items()):
            if type(value) in BOXES and i not in ruled:
                raise DerivativeError(f"{name}: {key} is traced, and has no derivative", remedy="Pass value_of of it.")
    return ours(*bound.args, **bound.kwargs)


def _cast(name: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """The floating arrays of an argument in another dtype: those that the derivative goes through."""
    if isinstance(value, list | tuple):
        return [_cast(name, part, dtype) for part in value]
    kind = value.dtype.kind if type(value) in BOXES or isinstance(value, np.ndarray) else ""
    if kind == "c" and dtype.kind == "f":
        raise DerivativeError(f"{name}: dtype={dtype} drops the imaginary part", remedy="Take np.real first.")
    return astype(value, dtype) if kind in ("f", "c") else value
