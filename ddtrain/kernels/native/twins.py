"""Twins, and the check that each passes once: after compiling, on examples, against its reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain.kernels.seam import Kernel

Examples = Callable[[Callable[..., np.ndarray]], Sequence[tuple[Any, ...]]]
TWINS: list[Twin] = []


@dataclass(frozen=True)
class Twin:
    """A compiled stand-in for a kernel.

    Attributes
    ----------
    name : of the kernel, with its module
    functions : names of the C functions that it calls
    examples : ``examples(r)`` lists arguments, where ``r(*shape)`` draws an array of the dtype that is checked
    ulps : how far results may be from the reference's, in units of the last place of the largest entry, in the dtype
        that is checked
    written : positions of the arguments that the kernel writes to
    """

    name: str
    kernel: Kernel
    call: Callable[..., Any]
    functions: tuple[str, ...]
    examples: Examples
    ulps: float
    written: tuple[int, ...]


def twin(
    kernel: Any,
    library: Any,
    *functions: str,
    examples: Examples,
    ulps: float = 8.0,
    written: tuple[int, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the decorated function the twin of ``kernel``; the parameters are those of :class:`Twin`."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{kernel.reference.__module__.rpartition('.')[2]}.{kernel.reference.__name__}"
        made = Twin(name, kernel, call, functions, examples, ulps, written)
        kernel.twin = call
        library.twins.append(made)
        TWINS.append(made)
        return call

    return register


def check(twin: Twin, dtype: np.dtype[Any]) -> str:
    """How the twin differs from its reference on the examples; empty if it does not."""
    for number, (got, expected) in enumerate(both(twin, dtype)):
        if got is NotImplemented:
            return f"{twin.name} does not take example {number} in {dtype}"
        for mine, reference in zip(arrays(got), arrays(expected), strict=True):
            if mine.shape != reference.shape or mine.dtype != reference.dtype:
                return (
                    f"{twin.name} gave {mine.dtype} {mine.shape} for {reference.dtype} {reference.shape} in "
                    f"example {number}"
                )
            error = ulps_apart(mine, reference, dtype)
            if not error <= twin.ulps:
                return f"{twin.name} is {error:.3g} units of the last place from its reference in example {number}"
    return ""


def both(twin: Twin, dtype: np.dtype[Any]) -> Any:
    """For each example what the twin gave and what the reference did, with the arguments that were written to."""
    for arguments in twin.examples(drawing(dtype)):
        found = []
        for function in (twin.call, twin.kernel.reference):
            mine = [a.copy(order="K") if isinstance(a, np.ndarray) else a for a in arguments]
            with np.errstate(all="ignore"):
                found.append((function(*mine), *(mine[i] for i in twin.written)))
        yield (NotImplemented, found[1]) if found[0][0] is NotImplemented else tuple(found)


def drawing(dtype: np.dtype[Any]) -> Callable[..., np.ndarray]:
    """A function that draws normal numbers in an array of a shape."""
    generator = np.random.default_rng(0)
    return lambda *shape: generator.standard_normal(shape).astype(dtype)


def ulps_apart(mine: np.ndarray, reference: np.ndarray, dtype: np.dtype[Any] | None = None) -> float:
    """The largest difference in units of the last place of the reference's largest entry; NaN only where both have it.

    Units are those of ``dtype``, where the reference's is wider: float64 sums of float32 are as good as their terms.

    >>> ulps_apart(np.float32([1.0, 2.0]), np.nextafter(np.float32([1.0, 2.0]), np.float32(3)))
    1.0
    """
    if reference.dtype.kind != "f":
        return 0.0 if np.array_equal(mine, reference) else np.inf
    strange = ~np.isfinite(reference)
    if not np.array_equal(mine[strange], reference[strange], equal_nan=True):
        return np.inf
    if reference[~strange].size == 0:
        return 0.0
    top = np.abs(reference[~strange]).max()
    with np.errstate(over="ignore"):  # an error over next to nothing
        unit = max(np.spacing(top), np.spacing(top.astype(dtype or top.dtype)))
        return float(np.max(np.abs(mine[~strange].astype(np.float64) - reference[~strange])) / unit)


def arrays(found: Any) -> list[Any]:
    """The arrays of a result, which may be a tuple of some, one after the other."""
    if isinstance(found, tuple):
        return [array for part in found for array in arrays(part)]
    return [np.asarray(found)] if found is not None else []
