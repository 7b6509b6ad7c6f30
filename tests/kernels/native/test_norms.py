"""Normalisation, pooling and sums over channels in C against their references, over many shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain.kernels import batch_norm, channel_sums, layer_norm, native, pool
from ddtrain.kernels.conv import output_size
from ddtrain.kernels.native.twins import arrays, ulps_apart

pytestmark = pytest.mark.skipif(bool(native.lost()) or not native.wanted(), reason="no compiled kernels here")
every_dtype = pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)], ids=str)


def compare(kernel: Any, *args: Any, ulps: float, **kwargs: Any) -> None:
    """The twin takes the arguments, and gives what the reference does within some units of the last place."""
    with np.errstate(all="ignore"):
        got, expected = kernel.twin(*args, **kwargs), kernel.reference(*args, **kwargs)
    assert got is not NotImplemented
    dtype = args[0].dtype
    for mine, reference in zip(arrays(got), arrays(expected), strict=True):
        assert (mine.shape, mine.dtype) == (reference.shape, reference.dtype)
        assert ulps_apart(mine, reference, dtype) <= ulps


def some_shape(r: np.random.Generator) -> tuple[int, ...]:
    """(N, C), (N, T, C) or (N, H, W, C), with channels that fill vectors or do not."""
    channels = int(r.choice([1, 2, 3, 5, 8, 10, 16, 31, 32, 33, 64, 100, 257]))
    return (int(r.integers(0, 40)), *(int(n) for n in r.integers(1, 8, r.integers(0, 3))), channels)


@every_dtype
def test_batch_norm_and_channel_sums_over_many_shapes(dtype: np.dtype[Any]) -> None:
    r = np.random.default_rng(0)
    for _ in range(60):
        shape = some_shape(r)
        channels = shape[-1]
        x, g = ((r.standard_normal(shape) * 3 + 1).astype(dtype) for _ in range(2))
        scale, shift = (r.standard_normal(channels).astype(dtype) for _ in range(2))
        compare(channel_sums.channel_sums, x, ulps=32)
        compare(batch_norm.moments, x, ulps=64)
        moments = batch_norm.moments.reference(x)
        parts = np.stack([moments, np.zeros_like(moments), moments])
        compare(batch_norm.normalise, x, parts, scale, shift, 1e-5, ulps=8)
        inv_std = 1 / np.sqrt(r.random(channels) + 0.1)
        compare(batch_norm.backward_sums, g, x, moments, inv_std, ulps=64)
        compare(batch_norm.backward_input, g, x, moments, inv_std, scale, r.standard_normal((2, channels)), ulps=8)
        compare(batch_norm.running, moments, scale, scale**2, 0.1, ulps=2)


@every_dtype
def test_layer_norm_over_many_shapes(dtype: np.dtype[Any]) -> None:
    r = np.random.default_rng(1)
    for _ in range(60):
        shape = some_shape(r)
        shape = (*shape[:-1], shape[-1] + 1)  # of a single feature nothing is left but roundings
        x, g = ((r.standard_normal(shape) + 1).astype(dtype) for _ in range(2))
        scale, shift = (r.standard_normal(shape[-1]).astype(dtype) for _ in range(2))
        mean, inv = (r.random((*shape[:-1], 1)).astype(dtype) for _ in range(2))
        compare(layer_norm.forward, x, scale, shift, 0.1, ulps=8)
        compare(layer_norm.backward, g, x, mean, inv, scale, ulps=32)
        compare(layer_norm.rms_forward, x, scale, 0.1, ulps=8)
        compare(layer_norm.rms_backward, g, x, inv, scale, ulps=32)


@every_dtype
def test_group_norm_over_many_shapes(dtype: np.dtype[Any]) -> None:
    r = np.random.default_rng(3)
    for _ in range(60):
        shape = some_shape(r)
        groups, samples = int(r.choice([1, 2, 3, 5])), shape[0] + 1
        shape = (samples, *shape[1:-1], groups * (shape[-1] + 1))
        x, g = ((r.standard_normal(shape) + 1).astype(dtype) for _ in range(2))
        scale, shift = (r.standard_normal(shape[-1]).astype(dtype) for _ in range(2))
        mean, inv = (r.random((samples, groups)).astype(dtype) for _ in range(2))
        compare(layer_norm.group_forward, x, scale, shift, groups, 0.1, ulps=8)
        compare(layer_norm.group_backward, g, x, mean, inv, scale, ulps=32)


@every_dtype
def test_pooling_over_many_windows_is_the_same_to_the_bit(dtype: np.dtype[Any]) -> None:
    r = np.random.default_rng(2)
    for _ in range(120):
        kh, kw, down, across = (int(n) for n in r.integers(1, 5, 4))
        pad = tuple(int(r.integers(0, k // 2 + 1)) for k in (kh, kh, kw, kw))
        shape = (int(r.integers(0, 3)), *(int(n) for n in r.integers(4, 10, 2)), int(r.choice([1, 3, 8, 20, 64, 75])))
        geometry = (kh, kw, (down, across), pad)
        x = np.round(r.standard_normal(shape), 1).astype(dtype)  # with equals
        x[r.random(shape) < 0.02] = np.nan
        x[r.random(shape) < 0.05] = -np.inf
        compare(pool.max_forward, x, *geometry, ulps=0)
        position = pool.max_forward.reference(x, *geometry)[1]
        g = r.standard_normal((shape[0], *output_size(*shape[1:3], *geometry), shape[3])).astype(dtype)
        compare(pool.max_backward, g, position, *shape[1:3], *geometry, ulps=0)
        compare(pool.average_forward, g, 1, 1, (1, 1), (0, 0, 0, 0), ulps=0)
        compare(pool.average_backward, g, *shape[1:3], *geometry, ulps=4)  # a share is added in one rounding
        y, expected = (f(x, *geometry) for f in (pool.average_forward.twin, pool.average_forward.reference))
        np.testing.assert_array_equal(y, expected)


def test_a_window_of_more_places_than_a_byte_counts() -> None:
    x = np.zeros((1, 20, 20, 3), np.float32)
    x[0, 19, 18] = 1
    compare(pool.max_forward, x, 20, 20, (1, 1), (0, 0, 0, 0), ulps=0)
    assert pool.max_forward(x, 20, 20, (1, 1), (0, 0, 0, 0))[1].ravel().tolist() == [398] * 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_channel_and_is_seen(value: float) -> None:
    x, ones = np.random.default_rng(0).standard_normal((300, 5)).astype(np.float32), np.ones(5, np.float32)
    x[100, 3] = value
    with np.errstate(all="ignore"):
        moments = batch_norm.moments.twin(x)
        y, _, inv_std = batch_norm.normalise.twin(x, moments[None], ones, ones, 1e-5)
        sums, d_scale, d_shift = batch_norm.backward_sums.twin(np.ones_like(x), x, moments, inv_std)
        dx = batch_norm.backward_input.twin(np.ones_like(x), x, moments, inv_std, ones, sums)
    for per_channel in (y, dx, d_scale[None]):
        assert np.isnan(per_channel[:, 3]).all()
        assert np.isfinite(np.delete(per_channel, 3, axis=1)).all()
    assert np.isfinite(d_shift).all()
    assert np.isnan(moments[1:]).tolist() == [False, False, False, True, False] * 2


def test_the_moments_of_large_float64_do_not_overflow_while_they_are_merged() -> None:
    x = np.full((5000, 2), 1e200)
    count, mean, m2 = batch_norm.unpacked(batch_norm.moments.twin(x))
    np.testing.assert_array_equal([count, *mean, *m2], [5000, 1e200, 1e200, 0, 0])


def test_a_result_is_written_where_it_is_asked_for() -> None:
    r = np.random.default_rng(0)
    x, v = r.standard_normal((6, 4, 4, 5)), r.standard_normal(5)
    moments = batch_norm.moments(x)[None]
    for kernel, args, shape in (
        (batch_norm.normalise, (x, moments, v, v, 0.1), x.shape),
        (layer_norm.forward, (x, v, v, 0.1), x.shape),
        (pool.max_forward, (x, 2, 2, (2, 2), (0, 0, 0, 0)), (6, 2, 2, 5)),
        (pool.average_backward, (x, 8, 8, 2, 2, (2, 2), (0, 0, 0, 0)), (6, 8, 8, 5)),
        (channel_sums.channel_sums, (x,), (5,)),
    ):
        out = np.full(shape, np.nan)
        (found, *_), (expected, *_) = (arrays(kernel.twin(*args, **more)) for more in ({"out": out}, {}))
        assert found is out
        np.testing.assert_array_equal(out, expected)
    inplace = x.copy()
    batch_norm.normalise.twin(inplace, moments, v, v, 0.1, out=inplace)
    np.testing.assert_array_equal(inplace, batch_norm.normalise(x, moments, v, v, 0.1)[0])


@pytest.mark.parametrize("kind", ["transposed", "every other", "a subclass", "half", "mixed"])
def test_what_a_twin_does_not_take_the_reference_computes(kind: str) -> None:
    r = np.random.default_rng(0)
    x, v = r.standard_normal((6, 6, 6)), r.standard_normal(6)
    odd: np.ndarray = {
        "transposed": x.T,
        "every other": r.standard_normal((6, 6, 12))[..., ::2],
        "a subclass": x.view(np.ma.MaskedArray),
        "half": x.astype(np.float16),
        "mixed": x.astype(np.float32),
    }[kind]
    assert layer_norm.forward.twin(odd, v, v, 0.1) is NotImplemented
    assert batch_norm.normalise.twin(odd, batch_norm.moments(x)[None], v, v, 0.1) is NotImplemented
    if kind != "mixed":
        assert batch_norm.moments.twin(odd) is NotImplemented
        assert channel_sums.channel_sums.twin(odd) is NotImplemented
        assert pool.max_forward.twin(odd[None], 2, 2, (2, 2), (0, 0, 0, 0)) is NotImplemented
    np.testing.assert_array_equal(
        layer_norm.forward(odd, v, v, 0.1)[0], layer_norm.forward.reference(odd, v, v, 0.1)[0]
    )
