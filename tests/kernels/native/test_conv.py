"""Convolution in C against its reference, on geometries drawn at random.

What would make these fail: strips, blocks or passes that end in the wrong place, lanes behind the last channel, zeros
around an image that are left from another one, work space measured for another shape.
"""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import conv, native
from ddtrain.kernels.native.families import conv as native_conv
from ddtrain.kernels.native.families.conv import MOST_STRIDE, algorithm
from ddtrain.kernels.native.twins import ulps_apart

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
KERNELS = (conv.forward, conv.backward_input, conv.backward_weight)
SAME = ((1, 1), (1, 1, 1, 1), 1)


def drawn(seed):
    """Arrays and geometry of a convolution: some with a channel a group, some without an image."""
    r = np.random.default_rng(seed)
    while True:
        groups, cg, kg = (
            int(r.choice([1, 1, 1, 2, 3])),
            int(r.choice([1, 2, 3, 8, 17])),
            int(r.choice([1, 3, 8, 16, 21, 40])),
        )
        if r.random() < 0.2:
            groups, cg, kg = int(r.integers(2, 21)), 1, 1
        (kh, kw), (height, width) = r.integers(1, 6, 2), r.integers(1, 14, 2)
        stride, dilation, pad = (tuple(map(int, r.integers(low, 4, size))) for low, size in ((1, 2), (1, 2), (0, 4)))
        p, q = conv.output_size(height, width, kh, kw, stride, pad, dilation)
        if min(p, q) > 0:
            break
    n = int(r.integers(0, 6))
    x, w = r.standard_normal((n, height, width, cg * groups)), r.standard_normal((kh, kw, cg, kg * groups))
    g = r.standard_normal((n, p, q, kg * groups))
    b, c = (r.standard_normal(size) if r.random() < 0.5 else None for size in (kg * groups, cg * groups))
    return x, w, g, b, c, (stride, pad, groups, dilation)


def calls(x, w, g, b, c, geometry):
    """Arguments of the three kernels."""
    return (
        (x, w, b, *geometry),
        (g, w, *x.shape[1:3], *geometry, c),
        (x, g, *w.shape[:2], *geometry),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", range(6))
def test_random_geometries(dtype, block):
    for seed in range(25 * block, 25 * block + 25):
        *arrays, geometry = drawn(seed)
        arrays = [None if a is None else a.astype(dtype) for a in arrays]
        for kernel, arguments in zip(KERNELS, calls(*arrays, geometry), strict=True):
            expected = kernel.reference(*arguments)
            out = np.full_like(expected, np.nan)  # every entry must be written
            assert kernel.twin(*arguments, out=out) is out
            if expected.any():
                assert ulps_apart(out, expected) <= 64, (kernel.__name__, seed)
            else:
                assert not out.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(40))
def test_winograd_on_shapes_for_which_it_is_not_chosen_too(monkeypatch, dtype, seed):
    # tiles that reach beyond the image, fewer channels than lanes, more padding than the kernel has
    monkeypatch.setattr(native_conv, "by_winograd", lambda shape: True)
    r = np.random.default_rng(seed)
    taps = 3 + 2 * (seed % 2)
    (height, width), pad = r.integers(taps, 12, 2), tuple(map(int, r.integers(0, taps, 4)))
    c, k, n = int(r.integers(1, 40)), int(r.integers(1, 40)), int(r.integers(0, 8))
    p, q = conv.output_size(height, width, taps, taps, (1, 1), pad)
    shapes = (n, height, width, c), (taps, taps, c, k), (n, p, q, k), (k,), (c,)
    arrays = [r.standard_normal(shape).astype(dtype) for shape in shapes]
    for kernel, arguments in zip(KERNELS, calls(*arrays, ((1, 1), pad, 1, (1, 1))), strict=True):
        expected = kernel.reference(*arguments)
        out = np.full_like(expected, np.nan)
        kernel.twin(*arguments, out=out)
        if expected.any():
            assert ulps_apart(out, expected) <= 64
        else:
            assert not out.any()


def test_winograd_without_a_library_is_direct(monkeypatch):
    r = np.random.default_rng(0)
    arrays = [r.standard_normal(s) for s in ((8, 16, 16, 32), (3, 3, 32, 32), (8, 16, 16, 32), (32,), (32,))]
    assert algorithm((8, 16, 16, 32), (3, 3, 32, 32), *SAME) == "winograd"
    for kernel, arguments in zip(KERNELS, calls(*arrays, (*SAME, (1, 1))), strict=True):
        by_winograd = kernel.twin(*arguments)
        with monkeypatch.context() as patch:
            patch.setitem(native_conv.WINOGRAD._loaded, "d", {})
            direct = kernel.twin(*arguments)
        assert 0 < ulps_apart(direct, by_winograd) <= 64


def test_large_images_go_by_strips_of_rows():
    r = np.random.default_rng(0)
    x, w, g = r.standard_normal((2, 61, 90, 24)), r.standard_normal((3, 3, 24, 8)), r.standard_normal((2, 61, 90, 8))
    for geometry in ((*SAME, (1, 1)), ((1, 1), (3, 3, 3, 3), 1, (3, 3))):
        for kernel, arguments in zip(KERNELS, calls(x, w, g, None, None, geometry), strict=True):
            assert ulps_apart(kernel.twin(*arguments), kernel.reference(*arguments)) <= 64


@pytest.mark.parametrize("seed", range(8))
def test_other_layouts_are_taken_as_they_are(seed):
    x, w, g, b, c, geometry = drawn(seed)
    spread = [None if a is None else np.repeat(a, 2, axis=-1)[..., ::2] for a in (x, w, g, b, c)]
    turned = [None if a is None else np.asfortranarray(a) for a in (x, w, g, b, c)]
    for kernel, *all_arguments in zip(KERNELS, *(calls(*a, geometry) for a in ((x, w, g, b, c), spread, turned))):
        first, *others = (kernel.twin(*arguments) for arguments in all_arguments)
        for other in others:
            np.testing.assert_array_equal(other, first)


@np.errstate(invalid="ignore")  # which a BLAS may report of infinity times zero, and need not
def test_nan_and_infinity_come_through_where_they_are_seen_and_nowhere_else():
    r = np.random.default_rng(0)
    x, w = r.standard_normal((2, 9, 9, 3)), r.standard_normal((3, 3, 3, 5))
    x[1, 4, 4, 2], x[0, 0, 0, 0] = np.nan, np.inf
    y = conv.forward.twin(x, w, None, *SAME)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(conv.forward.reference(x, w, None, *SAME)))
    assert np.isnan(y[1, 3:6, 3:6]).all()
    assert np.isinf(y[0, :2, :2]).all()
    dw = conv.backward_weight.twin(x, np.ones((2, 9, 9, 5)), 3, 3, *SAME)
    assert np.isnan(dw[:, :, 2]).all()
    assert np.isfinite(dw[:, :, 1]).all()


@np.errstate(invalid="ignore")
def test_nan_comes_through_winograd_wherever_it_is_seen():
    r = np.random.default_rng(0)
    x, w = r.standard_normal((4, 16, 16, 32)), r.standard_normal((3, 3, 32, 32))
    x[1, 5, 5, 2] = np.nan
    assert np.isnan(conv.forward.twin(x, w, None, *SAME)[1, 4:7, 4:7]).all()
    assert np.isfinite(conv.forward.twin(x, w, None, *SAME)[[0, 2, 3]]).all()
    dw = conv.backward_weight.twin(x, np.ones((4, 16, 16, 32)), 3, 3, *SAME)
    assert np.isnan(dw[:, :, 2]).all()
    assert np.isfinite(dw[:, :, 3]).all()


def test_no_images_give_no_gradient():
    dw = conv.backward_weight.twin(np.ones((0, 5, 5, 2)), np.ones((0, 5, 5, 4)), 3, 3, *SAME, out=np.ones((3, 3, 2, 4)))
    assert not dw.any()


def test_what_is_left_to_the_reference():
    x, w = np.ones((1, 20, 20, 2)), np.ones((2, 2, 2, 3))
    far = (MOST_STRIDE + 1, 1), (0, 0, 0, 0), 1
    assert conv.forward.twin(x, w, None, *far) is NotImplemented
    assert conv.forward.twin(x, w.astype(np.float32), None, *SAME) is NotImplemented
    assert conv.forward.twin(x, w, np.ones(3, np.float32), *SAME) is NotImplemented
    assert conv.forward(x, w, None, *far).shape == (1, 3, 19, 3)
    assert algorithm(x.shape, w.shape, *far) == "product"
    assert algorithm(x.shape, w.shape, *SAME) == "direct"
