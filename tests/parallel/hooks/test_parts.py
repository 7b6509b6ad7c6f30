"""The parts of hooks: matrices that a bucket cuts, codes at their limits, ties of top-k, bases that nearly collapse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.parallel.hooks import Matrix, make_grad_bucket
from ddtrain.parallel.hooks.codecs import BLOCK, Bfloat16, Codec, Float16, Sign
from ddtrain.parallel.hooks.powersgd import PowerSgd, orthogonalise_
from ddtrain.parallel.hooks.topk import largest
from worlds import World

CODECS: list[Codec] = [Float16(), Bfloat16(), Sign()]


def through(codec: Codec, x: Any) -> Any:
    code, out = np.full(codec.nbytes(x.size) + 3, 0xA5, np.uint8), np.full_like(x, -77)
    with np.errstate(all="ignore"):
        codec.encode(x, code)
        codec.decode(code, out)
    assert (code[codec.nbytes(x.size) :] == 0xA5).all()
    return out


@pytest.mark.parametrize("span", [slice(0, 20), slice(1, 19), slice(5, 9), slice(6, 7), slice(20, 20)])
def test_a_bucket_knows_the_rows_that_it_has_whole(span: slice) -> None:
    """A (2, 3, 2) kernel, a vector, and a (3, 2) matrix, one after another, cut anywhere."""
    grads, spans = np.arange(22.0), [slice(0, 12), slice(12, 14), slice(14, 20), slice(20, 20)]
    bucket = make_grad_bucket(grads, span, spans, [(2, 3, 2), (2,), (3, 2), (0, 5)])
    found = [row.tolist() for m in bucket.matrices for row in bucket.gradients[m.span].reshape(m.rows, m.columns)]
    rows = [[i, i + 1] for i in [*range(0, 12, 2), *range(14, 20, 2)]]
    assert found == [row for row in rows if span.start <= row[0] and row[1] < span.stop]


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


def test_top_k_of_equals_takes_the_first() -> None:
    assert largest(np.ones(10), 3).tolist() == [0, 1, 2]
    assert largest(np.array([0.0, -1, 1, 2, -1]), 3).tolist() == [1, 2, 3]
    assert largest(np.zeros(0), 0).tolist() == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bases_are_orthonormal_even_of_rows_that_are_nearly_parallel(dtype: Any) -> None:
    p = np.random.default_rng(0).standard_normal((4, 50)).astype(dtype)
    p[1] = p[0] * (1 + 4 * np.finfo(dtype).eps)
    p[2] = 0
    orthogonalise_(p)
    kept = p[[0, 1, 3]]
    np.testing.assert_allclose(kept @ kept.T, np.eye(3), atol=20 * np.finfo(dtype).eps)
    assert not p[2].any()


def test_powersgd_is_exact_at_full_rank_and_finds_low_rank_within_a_few_steps() -> None:
    """The gradients' sum has rank 2, and stays what it is: power iteration needs no more than its second step."""

    def body(comm: Any) -> list[float]:
        draw = np.random.default_rng(0)
        left, right = draw.standard_normal((20, 2)), draw.standard_normal((2, 30))
        matrix = left @ np.diag([3.0, 1.0 + comm.rank]) @ right
        exact = 2 * left @ np.diag([3.0, 1.5]) @ right
        hook, errors = PowerSgd(600, np.float64, rank=2), []
        hook.connect(comm)
        for _ in range(3):
            hook.residual[...] = 0  # the approximation alone
            bucket = make_grad_bucket(matrix.reshape(-1).copy(), slice(0, 600), [slice(0, 600)], [(20, 30)])
            hook(bucket, comm).wait()
            errors.append(np.abs(bucket.gradients.reshape(20, 30) - exact).max())
        return errors

    for errors in World("threads:2").run(body):
        assert errors[-1] < 1e-12


def test_powersgd_recovers_from_gradients_that_were_nothing() -> None:
    def body(comm: Any) -> float:
        hook = PowerSgd(200, np.float64, rank=1)
        hook.connect(comm)
        for step in range(3):
            grads = np.zeros(200) if step < 2 else np.outer(np.arange(10.0) == 7, np.arange(20.0)).reshape(-1)
            bucket = make_grad_bucket(grads, slice(0, 200), [slice(0, 200)], [(10, 20)])
            assert bucket.matrices == (Matrix(0, 10, 20),)
            hook(bucket, comm).wait()
        return float(np.abs(bucket.gradients).sum())

    assert min(World("threads:2").run(body)) > 1
