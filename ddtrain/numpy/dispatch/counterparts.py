"""Pairs every public function with NumPy's of its name, whose keywords it takes; NumPy calls it for traced values."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np

from ddtrain.autodiff import array_like
from ddtrain.autodiff.core.primitives import refuse
from ddtrain.numpy.along_axes import masked_reductions as masked
from ddtrain.numpy.creation import full
from ddtrain.numpy.dispatch.array_box import COUNTERPARTS, ArrayBox
from ddtrain.numpy.dispatch.numpy_calls import MEANINGS, answer_otherwise, in_numpys_words
from ddtrain.numpy.dispatch.ufunc_methods import give_methods
from ddtrain.numpy.elementwise.choices import clip
from ddtrain.numpy.manipulation.shapes import shape as shape_of


def take_numpys_words(prefix: str, ours: dict[str, Any], theirs: ModuleType, names: Iterable[str]) -> None:
    """Let our functions of these names take every call that NumPy's do, and stand in for them on traced values."""
    for name in names:
        function: Any = ours[name]
        counterpart: Any = getattr(theirs, name, None) if callable(function) else None
        if not callable(counterpart):
            continue
        if hasattr(function, "raw"):
            function.__doc__ = function.__doc__ or _in_a_line(name, counterpart)
            if function.otherwise is refuse:  # other namespaces have no such function
                own = str(getattr(function, "__name__", name))
                proper = own if ours.get(own) is function else name  # prefer the proper name: max, not amax
                answer_otherwise(function, prefix + proper, getattr(theirs, proper))
        elif str(getattr(function, "__module__", "")).startswith("ddtrain.") and not isinstance(function, type):
            ours[name] = in_numpys_words(prefix + name, function, counterpart)
            for method, x in list(vars(ArrayBox).items()):
                if x is function:
                    setattr(ArrayBox, method, ours[name])
        COUNTERPARTS[counterpart] = ours[name]
        if isinstance(counterpart, np.ufunc) and not hasattr(ours[name], "reduce"):
            give_methods(ours[name], counterpart)


def _in_a_line(name: str, theirs: Any) -> str:
    """What NumPy's own text says first of a function, after the signature that some texts begin with."""
    lines = [line.strip() for line in (theirs.__doc__ or "").splitlines()]
    first = next((line for line in lines if line and not line.startswith(f"{name}(")), "")
    return f"As ``{theirs.__module__ if hasattr(theirs, '__module__') else 'numpy'}.{name}``. {first}".rstrip()


def _clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    return clip(a, min if a_min is None else a_min, max if a_max is None else a_max)


def _full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    return full(shape_of(a) if shape is None else shape, fill_value, array_like(a).dtype if dtype is None else dtype)


def _constant(like: Any) -> Any:
    def constant(a: Any, dtype: Any = None, shape: Any = None) -> Any:
        return like(array_like(a), dtype, shape=shape)

    return constant


def _empty_like(prototype: Any, dtype: Any = None, shape: Any = None) -> Any:
    return np.empty_like(array_like(prototype), dtype, shape=shape)


MEANINGS.update({
    np.amax: masked.max, np.amin: masked.min, np.clip: _clip, np.empty_like: _empty_like, np.full_like: _full_like,
    np.max: masked.max, np.mean: masked.mean, np.min: masked.min, np.ones_like: _constant(np.ones_like),
    np.prod: masked.prod, np.std: masked.std, np.sum: masked.sum, np.var: masked.var,
    np.zeros_like: _constant(np.zeros_like),
})  # fmt: skip
