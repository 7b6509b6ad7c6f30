"""Vectors as few bytes: float16 with a scale a block, bfloat16, and one bit an element with a scale a block.

All are pure functions of the vector and equal on every machine, and NaN and infinity come out as they went in
(a bit has no room for them: there, a block that holds one comes out as NaN).

n elements, B elements a block, b blocks (the last one may be short).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ddtrain.parallel.hooks.grad_bucket import Array

BLOCK = 1024  # elements that share a scale of 4 bytes, small beside 2048 bytes of float16 or 128 of signs
_TOP = 15  # a block is scaled so that its largest entry is below 2^15; float16 ends at 65504


class Codec(Protocol):
    """Encodes vectors of n elements into a number of bytes that depends on n alone."""

    def nbytes(self, n: int) -> int:
        """Length of the code of ``n`` elements."""
        ...

    def encode(self, x_n: Array, code: Array) -> None:
        """Write the code of a vector of float32 or float64 into a vector of bytes, which may be longer."""
        ...

    def decode(self, code: Array, out_n: Array) -> None:
        """Write the decoded vector, rounded to the type of ``out_n``, into ``out_n``."""
        ...


class Float16:
    """Half precision, each block scaled by a power of two so that its largest element is near the top of the range.

    Without a scale, gradients below 6e-8 would become 0 and those above 65504 infinite.

    >>> code, out = np.zeros(Float16().nbytes(3), np.uint8), np.empty(3)
    >>> Float16().encode(np.array([1e-9, 0.1e-9, np.inf]), code)
    >>> Float16().decode(code, out)
    >>> out * 1e9
    array([1.00044417, 0.09998757, inf])
    """

    def nbytes(self, n: int) -> int:
        """2 bytes an element, 4 a block."""
        return 4 * -(-n // BLOCK) + 2 * n

    def encode(self, x_n: Array, code: Array) -> None:
        """See :class:`Codec`, as for all methods."""
        x_bB = _blocks(x_n)
        largest_b = np.where(np.isfinite(x_bB), np.abs(x_bB), 0).max(axis=1, initial=0)
        exponent_b = np.clip(_TOP - np.frexp(largest_b)[1], -126, 126)  # keep the scale a normal float32
        scale_b, half_n = _split(code, np.float16, x_n.size)
        scale_b[...] = np.ldexp(np.float32(1), -exponent_b)
        half_n[...] = np.ldexp(x_bB, exponent_b[:, None]).reshape(-1)[: x_n.size]

    def decode(self, code: Array, out_n: Array) -> None:
        scale_b, half_n = _split(code, np.float16, out_n.size)
        np.multiply(half_n, np.repeat(scale_b, BLOCK)[: out_n.size], out=out_n)


class Bfloat16:
    """The upper half of a float32, rounded to nearest, ties to even: its range, and 8 bits of precision.

    >>> code, out = np.zeros(6, np.uint8), np.empty(3)
    >>> Bfloat16().encode(np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8]), code)
    >>> Bfloat16().decode(code, out)
    >>> (out - 1) * 2**8  # the ties between two neighbours went to the even ones
    array([0., 0., 4.])
    """

    def nbytes(self, n: int) -> int:
        """2 bytes an element."""
        return 2 * n

    def encode(self, x_n: Array, code: Array) -> None:
        x_n = x_n.astype(np.float32)
        bits_n = x_n.view(np.uint32)
        rounded_n = bits_n + 0x7FFF + ((bits_n >> 16) & 1)
        # rounding up a NaN's bits could carry into the exponent and make infinity of it
        rounded_n[np.isnan(x_n)] = 0x7FC00000
        code[: 2 * x_n.size].view(np.uint16)[...] = rounded_n >> 16

    def decode(self, code: Array, out_n: Array) -> None:
        half_n = code[: 2 * out_n.size].view(np.uint16)
        out_n[...] = (half_n.astype(np.uint32) << 16).view(np.float32)


class Sign:
    """One bit an element, times the mean magnitude of its block; zero counts as positive.

    >>> code, out = np.zeros(Sign().nbytes(4), np.uint8), np.empty(4)
    >>> Sign().encode(np.array([1.0, -3.0, 0.0, 4.0]), code)
    >>> Sign().decode(code, out)
    >>> out
    array([ 2., -2.,  2.,  2.])
    """

    def nbytes(self, n: int) -> int:
        """A bit an element, 4 bytes a block."""
        return 4 * -(-n // BLOCK) + -(-n // 8)

    def encode(self, x_n: Array, code: Array) -> None:
        scale_b, bits = _split(code, np.uint8, -(-x_n.size // 8), x_n.size)
        count_b = np.minimum(BLOCK, x_n.size - BLOCK * np.arange(scale_b.size))
        scale_b[...] = np.abs(_blocks(x_n)).sum(axis=1) / count_b
        bits[...] = np.packbits(x_n >= 0)

    def decode(self, code: Array, out_n: Array) -> None:
        scale_b, bits = _split(code, np.uint8, -(-out_n.size // 8), out_n.size)
        scale_n = np.repeat(scale_b, BLOCK)[: out_n.size]
        out_n[...] = np.where(np.unpackbits(bits, count=out_n.size).view(bool), scale_n, -scale_n)


def _blocks(x_n: Array) -> Array:
    """The vector as rows of a block each, the last one filled up with zeros."""
    b = -(-x_n.size // BLOCK)
    if x_n.size == b * BLOCK:
        return x_n.reshape(b, BLOCK)
    x_bB = np.zeros(b * BLOCK, x_n.dtype)
    x_bB[: x_n.size] = x_n
    return x_bB.reshape(b, BLOCK)


def _split(code: Array, dtype: type[np.generic], count: int, n: int | None = None) -> tuple[Array, Array]:
    """The scales of ``n`` elements at the head of a code, and the ``count`` items behind them."""
    head = 4 * -(-(count if n is None else n) // BLOCK)
    return code[:head].view(np.float32), code[head : head + count * np.dtype(dtype).itemsize].view(dtype)
