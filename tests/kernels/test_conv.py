"""Convolution against loops over windows; its two backward kernels as the transposes that they are."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import conv, workspace

# (N, H, W, C), (kh, kw, Cg, K), stride, pad, groups
GEOMETRIES = [
    ((2, 5, 6, 3), (3, 3, 3, 4), (1, 1), (1, 1, 1, 1), 1),
    ((2, 5, 6, 3), (3, 3, 3, 2), (1, 1), (1, 1, 1, 1), 1),  # fewer channels out than in: backward turns the kernel
    ((1, 7, 5, 2), (3, 2, 2, 3), (2, 1), (0, 0, 0, 0), 1),
    ((2, 8, 7, 2), (3, 3, 2, 3), (3, 2), (1, 0, 2, 1), 1),  # rows left over at the border, pads that differ
    ((2, 4, 4, 6), (2, 2, 2, 3), (1, 1), (0, 1, 0, 1), 3),
    ((1, 5, 5, 4), (3, 3, 1, 4), (1, 1), (1, 1, 1, 1), 4),  # a channel a group
    ((1, 5, 5, 4), (3, 3, 1, 8), (2, 2), (1, 1, 1, 1), 4),
    ((2, 8, 7, 3), (3, 2, 1, 3), (2, 1), (1, 0, 2, 1), 3),
    ((2, 3, 3, 2), (1, 1, 2, 3), (1, 1), (0, 0, 0, 0), 1),
    ((2, 3, 3, 2), (1, 1, 2, 3), (2, 2), (0, 0, 0, 0), 1),  # a stride larger than the kernel
    ((1, 3, 3, 2), (3, 3, 2, 2), (1, 1), (4, 4, 4, 4), 1),  # more padding than kernel
    ((1, 2, 2, 1), (4, 4, 1, 1), (1, 1), (1, 1, 1, 1), 1),  # a kernel larger than the image
]


@pytest.fixture(autouse=True, params=["reference", "twin"])
def implementation(request, monkeypatch):
    """Each test sees the references, and what is called where there are compiled twins."""
    if request.param == "reference":
        for kernel in (conv.forward, conv.backward_input, conv.backward_weight):
            monkeypatch.setattr(kernel, "twin", None)


every_geometry = pytest.mark.parametrize(("x_shape", "w_shape", "stride", "pad", "groups"), GEOMETRIES)


def naive(x, w, b, stride, pad, groups):
    """One output entry at a time."""
    top, bottom, left, right = pad
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    kh, kw, cg, k = w.shape
    p, q = (x.shape[1] - kh) // stride[0] + 1, (x.shape[2] - kw) // stride[1] + 1
    y = np.empty((len(x), p, q, k))
    for n, i, j, out in np.ndindex(y.shape):
        first = out // (k // groups) * cg
        seen = x[n, i * stride[0] : i * stride[0] + kh, j * stride[1] : j * stride[1] + kw, first : first + cg]
        y[n, i, j, out] = np.sum(seen * w[:, :, :, out]) + b[out]
    return y


def arrays(x_shape, w_shape):
    r = np.random.default_rng(0)
    return r.standard_normal(x_shape), r.standard_normal(w_shape), r.standard_normal(w_shape[3])


@every_geometry
def test_forward_is_the_sum_over_windows(x_shape, w_shape, stride, pad, groups):
    x, w, b = arrays(x_shape, w_shape)
    expected = naive(x, w, b, stride, pad, groups)
    np.testing.assert_allclose(conv.forward(x, w, b, stride, pad, groups), expected, rtol=1e-13, atol=1e-13)


@every_geometry
def test_backward_is_the_transpose(x_shape, w_shape, stride, pad, groups):
    # y is linear in x and in w: <g, conv(x, w)> = <conv'(g, w), x> = <conv'(x, g), w>, for one g and every unit x, w
    x, w, b = arrays(x_shape, w_shape)
    g = np.random.default_rng(1).standard_normal(naive(x, w, b, stride, pad, groups).shape)
    dx = conv.backward_input(g, w, x_shape[1], x_shape[2], stride, pad, groups)
    dw = conv.backward_weight(x, g, w_shape[0], w_shape[1], stride, pad, groups)
    for r in range(5):
        other_x, other_w, _ = (np.random.default_rng(r).standard_normal(a.shape) for a in (x, w, b))
        np.testing.assert_allclose(
            np.sum(dx * other_x), np.sum(g * conv.forward(other_x, w, None, stride, pad, groups))
        )
        np.testing.assert_allclose(
            np.sum(dw * other_w), np.sum(g * conv.forward(x, other_w, None, stride, pad, groups))
        )


@pytest.mark.parametrize("dilation", [(2, 1), (1, 3), (2, 2)])
@pytest.mark.parametrize(("stride", "groups"), [((1, 1), 1), ((2, 1), 2), ((3, 2), 1)])
def test_dilation_is_a_kernel_with_zeros_between_its_entries(dilation, stride, groups):
    x, w, b = arrays((2, 8, 9, 4), (3, 2, 4 // groups, 2))
    rows, columns = conv.extent(3, 2, dilation)
    spread, pad = np.zeros((rows, columns, 4 // groups, 2)), (1, 0, 2, 1)
    spread[:: dilation[0], :: dilation[1]] = w
    y = conv.forward(x, w, b, stride, pad, groups, dilation)
    np.testing.assert_allclose(y, conv.forward(x, spread, b, stride, pad, groups), rtol=1e-12, atol=1e-12)
    g = np.random.default_rng(1).standard_normal(y.shape)
    dx = conv.backward_input(g, w, 8, 9, stride, pad, groups, dilation)
    dw = conv.backward_weight(x, g, 3, 2, stride, pad, groups, dilation)
    of_spread = conv.backward_weight(x, g, rows, columns, stride, pad, groups)
    np.testing.assert_allclose(dx, conv.backward_input(g, spread, 8, 9, stride, pad, groups), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dw, of_spread[:: dilation[0], :: dilation[1]], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("chunk_bytes", [1, 3000, 1 << 30])
def test_images_at_a_time_change_nothing(monkeypatch, chunk_bytes):
    x, w, b = arrays((7, 5, 6, 3), (3, 3, 3, 4))
    g = np.random.default_rng(1).standard_normal((7, 5, 6, 4))
    pad = (1, 1, 1, 1)
    monkeypatch.setattr(conv, "CHUNK_BYTES", chunk_bytes)
    np.testing.assert_allclose(conv.forward(x, w, b, (1, 1), pad, 1), naive(x, w, b, (1, 1), pad, 1), rtol=1e-12)
    dw = conv.backward_weight(x, g, 3, 3, (1, 1), pad, 1)
    dx = conv.backward_input(g, w, 5, 6, (1, 1), pad, 1)
    monkeypatch.setattr(conv, "CHUNK_BYTES", workspace.CHUNK_BYTES)
    np.testing.assert_allclose(dw, conv.backward_weight(x, g, 3, 3, (1, 1), pad, 1), rtol=1e-12)
    np.testing.assert_allclose(dx, conv.backward_input(g, w, 5, 6, (1, 1), pad, 1), rtol=1e-12)


@pytest.mark.parametrize("chunk_bytes", [1, 3000])
@pytest.mark.parametrize(("stride", "dilation"), [((1, 1), (1, 1)), ((2, 1), (1, 2))])
def test_a_channel_a_group_is_each_channel_by_itself(monkeypatch, chunk_bytes, stride, dilation):
    x, w, b = arrays((5, 7, 6, 3), (3, 2, 1, 3))
    monkeypatch.setattr(conv, "CHUNK_BYTES", chunk_bytes)
    pad = (1, 2, 1, 0)
    y = conv.forward(x, w, b, stride, pad, 3, dilation)
    g = np.random.default_rng(1).standard_normal(y.shape)
    dw = conv.backward_weight(x, g, 3, 2, stride, pad, 3, dilation)
    dx = conv.backward_input(g, w, 7, 6, stride, pad, 3, dilation)
    for c in range(3):
        one = slice(c, c + 1)
        alone = x[..., one], w[..., one], g[..., one]
        expected = conv.forward(alone[0], alone[1], b[one], stride, pad, 1, dilation)
        np.testing.assert_allclose(y[..., one], expected, rtol=1e-12, atol=1e-13)
        expected = conv.backward_weight(alone[0], alone[2], 3, 2, stride, pad, 1, dilation)
        np.testing.assert_allclose(dw[..., one], expected, rtol=1e-12, atol=1e-13)
        expected = conv.backward_input(alone[2], alone[1], 7, 6, stride, pad, 1, dilation)
        np.testing.assert_allclose(dx[..., one], expected, rtol=1e-12, atol=1e-13)


def test_work_space_of_another_shape_leaves_nothing_behind():
    x, w, b = arrays((2, 4, 4, 2), (3, 3, 2, 2))
    pad = (1, 1, 1, 1)
    before = conv.forward(x, w, b, (1, 1), pad, 1)
    conv.forward(np.full((3, 9, 9, 5), np.nan), np.ones((5, 5, 5, 2)), None, (1, 1), (2, 2, 2, 2), 1)
    np.testing.assert_array_equal(conv.forward(x, w, b, (1, 1), pad, 1), before)
