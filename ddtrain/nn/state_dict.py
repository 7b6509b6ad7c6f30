"""Checks that values fit a model, with one error for all misfits, and exports them in PyTorch's names and layouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.autodiff import value_of
from ddtrain.errors import UsageError
from ddtrain.nn.declarations import Declaration, Tree

Shape = tuple[int, ...]
_SHOWN = 4  # how many differences of each kind an error lists


class TorchTensors(dict[str, NDArray[Any]]):
    """Tensors by path in PyTorch's layouts. A type of its own, because those of square weights look like ours.

    >>> from ddtrain.nn import Linear, to_torch
    >>> layer = Linear(2, 2)
    >>> layer.bind(to_torch(layer, layer.init()))
    Traceback (most recent call last):
    ddtrain.errors.UsageError: bind: these values are in PyTorch's layout
      Convert them: model.bind(nn.from_torch(model, tensors)).
    """


def by_path(model: Tree) -> dict[str, Declaration]:
    """The declaration at every path of the tree; tied ones are there once for each path.

    Raises
    ------
    UsageError : two things have one path, such as ``x["a.b"]`` and ``x["a"]["b"]``
    """
    found: dict[str, Declaration] = {}
    for path, declaration in model._places():
        if path in found:
            raise UsageError(f"two parameters or buffers have the path {path}", remedy="Rename a key or an attribute.")
        found[path] = declaration
    return found


def fitted(
    model: Tree,
    values: Mapping[str, Any],
    op: str,
    shape_of: Callable[[Declaration], Shape] = lambda d: d.shape,
    other_shape_of: Callable[[Declaration], Shape] = lambda d: d.torch_shape(),
    remedy: str = "They are in PyTorch's layout: convert them with nn.from_torch(model, tensors).",
) -> dict[str, Any]:
    """One value for each declaration, by its first path; ``values`` may have tied ones under any of their paths.

    Parameters
    ----------
    op : the operation's name, for the message
    shape_of, other_shape_of : the shape that is needed, and the shape for which ``remedy`` is the remedy

    Raises
    ------
    UsageError : listing what is missing, what is unexpected, and what has another shape
    """
    found, wrong = _compared(model, values, shape_of)
    said = [f"{one} and {other} are one, but have two values" for one, other in wrong.doubled]
    said += _listed("no value for {}", wrong.missing)
    said += _listed("no such parameter or buffer: {}", wrong.unexpected)
    said += _listed("{}", [f"{name} has shape {shape}, not {shape_of(d)}" for name, shape, d in wrong.misshapen])
    if not said:
        return found
    turned = wrong.misshapen and all(shape == other_shape_of(d) for _, shape, d in wrong.misshapen)
    raise UsageError(
        f"{op}: {'; '.join(said)}",
        remedy=remedy if turned else "Are they of another model? Pass one for every name in declarations().",
    )


class Misfits(NamedTuple):
    """In what values differ from a model's declarations.

    Attributes
    ----------
    missing, unexpected : paths
    misshapen : path, the value's shape, the declaration
    doubled : pairs of paths of one declaration that have different values
    """

    missing: list[str]
    unexpected: list[str]
    misshapen: list[tuple[str, Shape, Declaration]]
    doubled: list[tuple[str, str]]


def misfits(model: Tree, values: Mapping[str, Any], shape_of: Callable[[Declaration], Shape]) -> Misfits:
    """In what values differ from what a model declares.

    >>> from ddtrain.nn import Linear
    >>> found = misfits(Linear(3, 2), {"weight": np.ones((5, 2)), "scale": np.ones(2)}, lambda d: d.shape)
    >>> found.missing, found.unexpected, [name for name, _, _ in found.misshapen]
    (['bias'], ['scale'], ['weight'])
    """
    return _compared(model, values, shape_of)[1]


def _compared(
    model: Tree, values: Mapping[str, Any], shape_of: Callable[[Declaration], Shape]
) -> tuple[dict[str, Any], Misfits]:
    """The values by the first path of their declaration, in order of declaration, and what does not fit."""
    places = by_path(model)
    first: dict[int, str] = {}
    given: dict[str, Any] = {}
    doubled: list[tuple[str, str]] = []
    for path, declaration in places.items():
        name = first.setdefault(id(declaration), path)
        if path in values and name not in given:
            given[name] = values[path]
        elif path in values and not _same(given[name], values[path]):
            doubled.append((name, path))
    found = {name: given[name] for name in first.values() if name in given}
    return found, Misfits(
        missing=[name for name in first.values() if name not in found],
        unexpected=[name for name in values if name not in places],
        misshapen=[
            (name, np.shape(x), places[name]) for name, x in found.items() if np.shape(x) != shape_of(places[name])
        ],
        doubled=doubled,
    )


def _same(one: Any, other: Any) -> bool:
    return one is other or (value_of(one) is one and value_of(other) is other and np.array_equal(one, other))


def _listed(text: str, what: list[str]) -> list[str]:
    more = f" and {len(what) - _SHOWN} more" if len(what) > _SHOWN else ""
    return [text.format(", ".join(what[:_SHOWN]) + more)] if what else []


def as_dtype(value: Any, dtype: DTypeLike) -> NDArray[Any]:
    """Real numbers as an array of ``dtype``; anything else is left in its own dtype."""
    array = np.asarray(value)
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False) if array.dtype.kind in "biuf" else array


def initial(model: Tree, values: Mapping[str, Any], dtype: DTypeLike) -> dict[str, NDArray[Any]]:
    """The values that ``init`` returned, as arrays of ``dtype``, one for each declaration.

    Raises
    ------
    UsageError : as :func:`fitted`; a value is not an array of real numbers, or a parameter is not finite
    """
    trained = {path: d.trained for path, d in model.declarations().items()}
    arrays = {path: as_dtype(x, dtype) for path, x in fitted(model, values, f"{type(model).__name__}.init").items()}
    for path, x in arrays.items():
        if x.dtype.kind not in "biuf":
            raise UsageError(f"init: {path} has dtype {x.dtype}, not real numbers")
        if trained[path] and not np.isfinite(x).all():
            bad = np.argwhere(~np.isfinite(x))
            where = tuple(map(int, bad[0]))
            raise UsageError(f"init: {path} is {x[where]} at {where}, {len(bad)} of {x.size} values are not finite")
    return arrays


def to_torch(model: Tree, tensors: Mapping[str, NDArray[Any]]) -> TorchTensors:
    """Tensors by path, as PyTorch's ``load_state_dict`` expects them for a model of the same tree.

    Tied values are there under each of their paths, as in PyTorch's ``state_dict``.

    >>> from ddtrain.nn import Linear
    >>> layer = Linear(3, 2)
    >>> {path: tensor.shape for path, tensor in to_torch(layer, layer.init()).items()}
    {'weight': (2, 3), 'bias': (2,)}
    """
    ours = fitted(model, tensors, "to_torch")
    first: dict[int, str] = {}
    exported = TorchTensors()
    for path, d in by_path(model).items():
        name = first.setdefault(id(d), path)
        exported[path] = exported[name] if name != path else d.to_torch(ours[path])
    return exported


def from_torch(model: Tree, tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The inverse of :func:`to_torch`, with each tied value once.

    Square weights have the same shape in both layouts: values in ddtrain's layout cannot be recognised as such.

    Raises
    ------
    UsageError : tensors are missing, unexpected or of another shape, all of them listed; two for what is tied

    >>> from ddtrain.nn import Linear
    >>> theirs = {"weight": np.array([[1.0, 2.0, 3.0]]), "bias": np.array([10.0])}  # PyTorch's (out, in)
    >>> layer = Linear(3, 1)
    >>> layer.bind(from_torch(layer, theirs))(np.array([1.0, 1.0, 1.0]))
    array([16.])
    """
    theirs = fitted(
        model,
        tensors,
        "from_torch",
        lambda d: d.torch_shape(),
        lambda d: d.shape,
        "They are in ddtrain's layout already: bind takes them as they are.",
    )
    return {path: d.from_torch(np.asarray(theirs[path])) for path, d in model.declarations().items()}
