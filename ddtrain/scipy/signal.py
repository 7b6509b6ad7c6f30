"""``scipy.signal`` with derivatives: convolution of arrays, along chosen axes, with contractions and outer products.

Every form is brought to one bilinear primitive on arrays (outer, contracted, *convolved), whose cotangents are the
same primitive with one factor flipped: full becomes valid, valid becomes full.
"""

# P, Q outer axes of either factor, D contracted, then the convolved ones: N entries by K entries

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.signal as _sg
from numpy.lib.stride_tricks import sliding_window_view

from ddtrain.autodiff import defjvp, defvjp, primitive
from ddtrain.autodiff.core.examples import case
from ddtrain.errors import ShapeError
from ddtrain.numpy import conj, flip, reshape, swapaxes, transpose
from ddtrain.numpy.manipulation.shapes import as_array
from ddtrain.scipy.fallback import fallback_to

Axes = tuple[Sequence[int], Sequence[int]]


def _contract(a_PDN: Any, b_QDK: Any, full: bool) -> Any:
    """Sum over D of convolutions, for every pair of outer indices. Valid ones need N >= K along every axis."""
    extent = b_QDK.shape[2:]
    if a_PDN.shape[:2] == b_QDK.shape[:2] == (1, 1) and a_PDN.size and b_QDK.size:
        # SciPy uses an FFT where that is faster
        return _sg.convolve(a_PDN[0, 0], b_QDK[0, 0], "full" if full else "valid")[None, None]
    if full:
        a_PDN = np.pad(a_PDN, [(0, 0), (0, 0), *((k - 1, k - 1) for k in extent)])
    along = tuple(range(2, a_PDN.ndim))
    windows_PDNK = sliding_window_view(a_PDN, extent, along)
    taps = tuple(range(a_PDN.ndim, a_PDN.ndim + len(extent)))
    out_PNQ = np.tensordot(windows_PDNK, np.flip(b_QDK, along), ((1, *taps), (1, *along)))
    return np.moveaxis(out_PNQ, -1, 1)


def _flipped(x: Any) -> Any:
    """Outer and contracted axes exchanged, the convolved ones reversed."""
    return flip(swapaxes(x, 0, 1), tuple(range(2, x.ndim)))


def _wrt_b(g: Any, a: Any, full: bool) -> Any:
    if full:
        return contract(swapaxes(g, 0, 1), _flipped(a), False)
    return _flipped(contract(swapaxes(a, 0, 1), _flipped(g), False))


contract = primitive(
    _contract,
    name="convolve",
    examples=lambda r: [
        case(r(1, 1, 5), r(1, 1, 3), True),
        case(r(2, 3, 4, 5), r(4, 3, 2, 3), False),
        case(r(2, 3, 4), r(1, 3, 2), True),
        case(r(2, 2, 3), r(3, 2, 5), True),
    ],
)
defvjp(
    contract,
    lambda g, ans, a, b, full: contract(g, _flipped(b), not full),
    lambda g, ans, a, b, full: _wrt_b(g, a, full),
)
defjvp(contract, lambda g, ans, a, b, full: contract(g, b, full), lambda g, ans, a, b, full: contract(a, g, full))


def convolve(
    A: Any, B: Any, axes: Axes | str | None = None, dot_axes: Axes = ((), ()), mode: str = "full", method: str = "auto"
) -> Any:
    """The convolution of two arrays along some axes, summed over others, for all pairs of what is left.

    Parameters
    ----------
    axes : (axes of A, axes of B) to convolve, pairwise; None is all of them. SciPy's third argument, a mode, may stand
        here instead
    dot_axes : (axes of A, axes of B) of equal lengths to multiply and sum, as in a tensordot
    mode : "full", or "valid" (one factor covers the other along every axis), or "same" (the middle, as large as A)
    method : SciPy's, of no effect on the result: the faster one is used

    Returns
    -------
    Array with the remaining axes of A, those of B, and the convolved ones, in this order.

    Raises
    ------
    ShapeError : axes do not pair up, or no factor covers the other in a valid convolution

    >>> convolve(np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0]))
    array([ 1.,  1.,  1., -3.])
    >>> convolve(np.ones((2, 5)), np.ones((4, 3)), axes=([1], [1]), mode="valid").shape
    (2, 4, 3)
    """
    if isinstance(axes, str):
        return convolve(A, B, None, dot_axes, axes)
    A, B = as_array(A), as_array(B)
    if axes is None:
        if A.ndim != B.ndim:
            raise ShapeError(f"convolve: factors of {A.ndim} and {B.ndim} axes (A {A.shape}, B {B.shape})")
        axes = (range(A.ndim), range(A.ndim))
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"convolve: mode {mode!r} is none of 'full', 'valid', 'same'")
    a, outer_a, extent_a = _canonical(A, axes[0], dot_axes[0])
    b, outer_b, extent_b = _canonical(B, axes[1], dot_axes[1])
    if len(extent_a) != len(extent_b) or a.shape[1] != b.shape[1]:
        raise ShapeError(f"convolve: axes={axes}, dot_axes={dot_axes} do not pair up in A {A.shape} and B {B.shape}")
    if mode != "valid":
        out = contract(a, b, True)
        if mode == "same":
            middle = [slice((k - 1) // 2, (k - 1) // 2 + n) for n, k in zip(extent_a, extent_b, strict=True)]
            out = out[(slice(None), slice(None), *middle)]
    elif all(n >= k for n, k in zip(extent_a, extent_b, strict=True)):
        out = contract(a, b, False)
    elif all(n <= k for n, k in zip(extent_a, extent_b, strict=True)):
        out = swapaxes(contract(b, a, False), 0, 1)
    else:
        raise ShapeError(f"convolve: neither factor covers the other along {axes} (A {A.shape}, B {B.shape})")
    return reshape(out, (*outer_a, *outer_b, *out.shape[2:]))


def _canonical(x: Any, along: Sequence[int], dot: Sequence[int]) -> tuple[Any, tuple[int, ...], tuple[int, ...]]:
    """``x`` as (outer, contracted, *convolved), with the extents of its outer and of its convolved axes."""
    along, dot = [i % x.ndim for i in along], [i % x.ndim for i in dot]
    outer = [i for i in range(x.ndim) if i not in along and i not in dot]
    extents = [[x.shape[i] for i in axes] for axes in (outer, dot, along)]
    shaped = reshape(transpose(x, (*outer, *dot, *along)), (math.prod(extents[0]), math.prod(extents[1]), *extents[2]))
    return shaped, tuple(extents[0]), tuple(extents[2])


def fftconvolve(in1: Any, in2: Any, mode: str = "full") -> Any:
    """:func:`convolve` under SciPy's other name."""
    return convolve(in1, in2, mode=mode)


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The convolution of ``in1`` with ``in2`` reversed and conjugated.

    >>> correlate(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0]), mode="valid")
    array([2., 3.])
    """
    return convolve(in1, conj(flip(in2)), mode=mode)


__getattr__ = fallback_to("scipy.signal")
