"""Discrete Fourier transforms, all of ``numpy.fft``.

Four transforms along one axis have rules; the others are compositions of them. All are linear, so each is its own
forward rule. The matrix of ``fft`` is symmetric: its transpose is itself, apart from padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.fft import fftfreq, rfftfreq

from ddtrain.autodiff import Array, Primitive, def_linear, defvjp, primitive
from ddtrain.autodiff.core.examples import Case, Sampler, case
from ddtrain.numpy.dispatch.missing_rules import missing_name
from ddtrain.numpy.elementwise.complex_numbers import conjugate, real
from ddtrain.numpy.manipulation.joining import asarray
from ddtrain.numpy.manipulation.padding import pad_constant
from ddtrain.numpy.manipulation.shapes import integers, ndim, roll, shape

Norm = str | None
_SWAPPED = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


def _raw(numpys: Callable[..., Any]) -> Callable[..., Any]:
    def transform(x: Array, n: int | None = None, axis: int = -1, norm: Norm = None) -> Array:
        return numpys(x, n, axis, norm)

    transform.__doc__ = (numpys.__doc__ or "").split("\n\n")[0].strip()
    return transform


def _fit(g: Any, x: Any, axis: int) -> Any:
    """``g`` cut or filled with zeros along ``axis`` to the extent of ``x``: the transpose of what ``n`` does to it."""
    extra = x.shape[axis] - g.shape[axis]
    if extra > 0:
        return pad_constant(g, tuple((0, extra if i == axis % x.ndim else 0) for i in range(x.ndim)))
    return g[(slice(None),) * (axis % x.ndim) + (slice(x.shape[axis]),)] if extra else g


def _examples(r: Sampler) -> list[Case]:
    return [case(r(2, 5)), case(r(4, 2), 6, 0), case(r(2, 6), 3, norm="ortho"), case(r(3, 2), axis=0, norm="forward")]


def _complex_examples(r: Sampler) -> list[Case]:
    return [case(c.args[0] + 1j * r(*c.args[0].shape), *c.args[1:], **c.kwargs) for c in _examples(r)]


def _real_examples(r: Sampler) -> list[Case]:
    return [case(c.args[0].real.copy(), *c.args[1:], **c.kwargs) for c in _examples(r)]


fft = primitive(_raw(np.fft.fft), name="fft", examples=lambda r: [*_examples(r), *_complex_examples(r)])
defvjp(fft, lambda g, ans, x, n=None, axis=-1, norm=None: _fit(fft(g, None, axis, norm), x, axis))
def_linear(fft)

ifft = primitive(_raw(np.fft.ifft), name="ifft", examples=lambda r: [*_examples(r), *_complex_examples(r)])
defvjp(ifft, lambda g, ans, x, n=None, axis=-1, norm=None: _fit(ifft(g, None, axis, norm), x, axis))
def_linear(ifft)

rfft = primitive(_raw(np.fft.rfft), name="rfft", examples=_real_examples)
defvjp(
    rfft,
    lambda g, ans, x, n=None, axis=-1, norm=None: _fit(real(fft(g, n or x.shape[axis], axis, norm)), x, axis),
)
def_linear(rfft)


def _twice_inside(n: int, x: Any, axis: int) -> Any:
    """2 for each entry that ``irfft`` also reads as its conjugate, 1 for the first, and the last of an even ``n``."""
    weights = np.full(n // 2 + 1, 2.0, x.real.dtype)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return weights.reshape((-1,) + (1,) * (x.ndim - 1 - axis % x.ndim))


def _irfft_vjp(g: Any, ans: Any, x: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    half = conjugate(rfft(real(g), None, axis, _SWAPPED[norm]))
    return _fit(half * _twice_inside(ans.shape[axis], x, axis), x, axis)


irfft = primitive(
    _raw(np.fft.irfft),
    name="irfft",
    examples=lambda r: [*_complex_examples(r), case(r(3) + 1j * r(3), 1)],
)
defvjp(irfft, _irfft_vjp)
def_linear(irfft)


def hfft(x: Array, n: int | None = None, axis: int = -1, norm: Norm = None) -> Array:
    """The transform of a signal with Hermitian symmetry, of which ``x`` is the first half; it is real.

    >>> hfft(np.array([1.0, 0.0]))
    array([1., 1.])
    """
    return irfft(conjugate(asarray(x)), n, axis, _SWAPPED[norm])


def ihfft(x: Array, n: int | None = None, axis: int = -1, norm: Norm = None) -> Array:
    """The inverse of :func:`hfft`."""
    return conjugate(rfft(asarray(x), n, axis, _SWAPPED[norm]))


def _plan(x: Any, s: Sequence[int] | None, axes: Sequence[int] | None, half: bool = False) -> list[Any]:
    """(length, axis) of each transform; with ``half``, the last axis holds half of a spectrum."""
    if axes is None:
        axes = range(ndim(x)) if s is None else range(ndim(x) - len(s), ndim(x))
    extents = [shape(x)[axis] for axis in axes]
    if s is None and half:
        extents[-1] = 2 * (extents[-1] - 1)
    lengths = extents if s is None else [extent if n == -1 else n for n, extent in zip(s, extents, strict=True)]
    return list(zip(lengths, axes, strict=True))


def _several(transform: Primitive, x: Any, plan: list[Any], norm: Norm) -> Any:
    for n, axis in reversed(plan):
        x = transform(x, n, axis, norm)
    return x


def fftn(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Array:
    """The transform along each of ``axes`` (all of them, for None), cut or padded to the lengths ``s``.

    >>> fftn(np.eye(2)).real
    array([[2., 0.],
           [0., 2.]])
    """
    x = asarray(x)
    return _several(fft, x, _plan(x, s, axes), norm)


def ifftn(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Array:
    """The inverse of :func:`fftn`."""
    x = asarray(x)
    return _several(ifft, x, _plan(x, s, axes), norm)


def rfftn(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Array:
    """The transform of real ``x`` along each of ``axes``, of which only half of the last is kept."""
    x = asarray(x)
    *others, last = _plan(x, s, axes)
    return _several(fft, rfft(x, *last, norm), others, norm)


def irfftn(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: Norm = None) -> Array:
    """The inverse of :func:`rfftn`; give ``s`` where the last length is odd."""
    x = asarray(x)
    *others, last = _plan(x, s, axes, half=True)
    return irfft(_several(ifft, x, others, norm), *last, norm)


def fft2(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: Norm = None) -> Array:
    """:func:`fftn` along two axes."""
    return fftn(x, s, axes, norm)


def ifft2(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: Norm = None) -> Array:
    """:func:`ifftn` along two axes."""
    return ifftn(x, s, axes, norm)


def rfft2(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: Norm = None) -> Array:
    """:func:`rfftn` along two axes."""
    return rfftn(x, s, axes, norm)


def irfft2(x: Array, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: Norm = None) -> Array:
    """:func:`irfftn` along two axes."""
    return irfftn(x, s, axes, norm)


def _shifted(x: Any, axes: int | Sequence[int] | None, sign: int) -> Any:
    x = asarray(x)
    places = range(ndim(x)) if axes is None else integers(axes)
    extents = [shape(x)[axis] for axis in places]
    return roll(x, tuple(sign * (n // 2) for n in extents), tuple(places))


def fftshift(x: Array, axes: int | Sequence[int] | None = None) -> Array:
    """``x`` with the zero frequency in the middle of each axis.

    >>> fftshift(np.array([0.0, 1.0, -1.0]))
    array([-1.,  0.,  1.])
    """
    return _shifted(x, axes, 1)


def ifftshift(x: Array, axes: int | Sequence[int] | None = None) -> Array:
    """The inverse of :func:`fftshift`."""
    return _shifted(x, axes, -1)


RULED = (
    "fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft", "irfft2",
    "irfftn", "rfft", "rfft2", "rfftn",
)  # fmt: skip
__all__ = [*RULED, "fftfreq", "rfftfreq"]


def __getattr__(name: str) -> NoReturn:
    raise missing_name(np.fft, name)
