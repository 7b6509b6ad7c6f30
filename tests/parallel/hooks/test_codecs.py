"""Codes at their limits: any length and magnitude, zeros, what is not finite, ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.parallel.hooks.codecs import BLOCK, Bfloat16, Codec, Float16, Sign

CODECS: list[Codec] = [Float16(), Bfloat16(), Sign()]


def through(codec: Codec, x: Any) -> Any:
    code, out = np.full(codec.nbytes(x.size) + 3, 0xA5, np.uint8), np.full_like(x, -77)
    with np.errstate(all="ignore"):
        codec.encode(x, code)
        codec.decode(code, out)
    assert (code[codec.nbytes(x.size) :] == 0xA5).all()
    return out


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("n", [0, 1, 7, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_of_any_length(codec: Codec, n: int, dtype: Any) -> None:
    x = np.random.default_rng(n).standard_normal(n).astype(dtype)
    out = through(codec, x)
    if isinstance(codec, Sign):
        assert (np.sign(out) == np.sign(x)).all()
        for start in range(0, n, BLOCK):
            block = slice(start, start + BLOCK)
            np.testing.assert_allclose(np.abs(out[block]), np.abs(x[block]).mean(), rtol=1e-6)
    else:
        bits = 10 if isinstance(codec, Float16) else 7
        np.testing.assert_allclose(out, x, rtol=2.0 ** -(bits + 1), atol=1e-7)


def test_the_sign_of_zero_is_that_of_a_positive_number() -> None:
    assert through(Sign(), np.array([3.0, 0.0, -0.0, -3.0])).tolist() == [1.5, 1.5, 1.5, -1.5]


@pytest.mark.parametrize("codec", CODECS, ids=lambda c: type(c).__name__)
def test_codes_of_zeros_are_zeros(codec: Codec) -> None:
    assert (through(codec, np.zeros(BLOCK + 5)) == 0).all()


@pytest.mark.parametrize("size", [1e-30, 1e-9, 1.0, 1e9, 1e30])
def test_float16_keeps_its_precision_at_any_magnitude(size: float) -> None:
    x = np.random.default_rng(0).uniform(0.1, 1, 100) * size
    np.testing.assert_allclose(through(Float16(), x), x, rtol=2.0**-11)


@pytest.mark.parametrize("codec", CODECS[:2], ids=lambda c: type(c).__name__)
def test_codes_of_what_is_not_finite(codec: Codec) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1.0, -0.0])
    x[:1].view(np.uint64)[...] = 0x7FFFFFFFFFFFFFFF  # the NaN that rounding could carry over
    np.testing.assert_array_equal(through(codec, x), x)
    np.testing.assert_array_equal(through(codec, x.astype(np.float32)), x.astype(np.float32))


def test_bfloat16_rounds_to_nearest_even() -> None:
    """Against the definition: the nearest of the two neighbours, the even one of equals."""
    bits = np.random.default_rng(0).integers(0x00800000, 0x7F000000, 5000, dtype=np.uint32)
    bits[:2500] = (bits[:2500] & 0xFFFF0000) | 0x8000  # ties
    below = bits & 0xFFFF0000
    above, half = below + 0x10000, (bits & 0xFFFF).astype(int)
    up = (half > 0x8000) | ((half == 0x8000) & ((below >> 16) & 1 == 1))
    expected = np.where(up, above, below).astype(np.uint32).view(np.float32)
    np.testing.assert_array_equal(through(Bfloat16(), bits.view(np.float32)), expected)
