"""Kernels that arithmetic bounds: convolutions and products of matrices, forward and both gradients."""

# N samples, H height, W width, C channels in, K out, P and Q height and width of the result, M rows, D columns in
from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from ddtrain import kernels
from ddtrain.bench.kernels.case import Case, Draw, Family


class Conv(NamedTuple):
    """A convolution of square images by square windows, padded to keep their size, but for its stride."""

    source: str
    n: int
    size: int
    c: int
    k: int
    window: int
    stride: int = 1


CONVOLUTIONS = (
    Conv("resnet8, resnet20: stem", 64, 32, 3, 16, 3),
    Conv("resnet8, resnet20", 64, 32, 16, 16, 3),
    Conv("resnet8, resnet20", 64, 32, 16, 32, 3, 2),
    Conv("resnet8, resnet20", 64, 16, 32, 32, 3),
    Conv("resnet8, resnet20", 64, 16, 32, 64, 3, 2),
    Conv("resnet8, resnet20", 64, 8, 64, 64, 3),
    Conv("resnet8, resnet20: shortcut", 64, 32, 16, 32, 1, 2),
    Conv("lenet: first", 64, 28, 1, 16, 5),
    Conv("lenet", 64, 14, 16, 32, 5),
    Conv("inception", 64, 14, 32, 12, 1),
    Conv("inception", 64, 14, 18, 24, 3),
    Conv("larger", 32, 28, 128, 128, 3),
    Conv("larger", 32, 28, 256, 128, 1),
)

PRODUCTS = (  # of a layer: source, rows, inputs, outputs
    ("tiny_mlp", 32, 64, 64),
    ("small_mlp", 64, 128, 128),
    ("mlp, mlp_bn", 128, 784, 512),
    ("mlp, mlp_bn", 128, 512, 512),
    ("mlp, mlp_bn: head", 128, 512, 10),
    ("nnlm: output", 256, 256, 10_000),
    ("gpt: queries, keys, values", 1024, 128, 384),
    ("gpt: expand", 1024, 128, 512),
    ("lstm: inputs of a layer", 1600, 256, 1024),
    ("lenet: head", 64, 1568, 10),
    ("larger", 1024, 1024, 1024),
)


def convolution() -> Iterator[Case]:
    """Forward, and the gradients of input and weight."""
    draw = Draw("convolution")
    for shape in CONVOLUTIONS:
        n, size, c, k, window, stride = shape[1:]
        pad, step = (window // 2,) * 4, (stride, stride)
        result = (size - 1) // stride + 1
        x, w = draw(n, size, size, c), draw(window, window, c, k)
        y, g = np.empty((n, result, result, k), np.float32), draw(n, result, result, k)
        flops = 2.0 * y.size * w[..., 0].size
        text = f"{n}x{size}x{size}x{c}->{k}, {window}x{window}" + (f" by {stride}" if stride > 1 else "")
        case = partial(Case, shape=text, source=shape.source, flops=flops, operands=(x, w, g, stride))
        yield case("conv.forward", call=partial(kernels.conv.forward, x, w, None, step, pad, 1, out=y))
        if c > 3:  # no one needs a gradient of images
            dx = np.empty_like(x)
            call = partial(kernels.conv.backward_input, g, w, size, size, step, pad, 1, out=dx)
            yield case("conv.backward_input", call=call)
        dw = np.empty_like(w)
        call = partial(kernels.conv.backward_weight, x, g, window, window, step, pad, 1, out=dw)
        yield case("conv.backward_weight", call=call)


def linear() -> Iterator[Case]:
    """``x @ w + b``, and the gradients of input and weight."""
    draw = Draw("linear")
    for source, m, d, k in PRODUCTS:
        x, w, b, g = draw(m, d), draw(d, k), draw(k), draw(m, k)
        y, dx, dw = np.empty_like(g), np.empty_like(x), np.empty_like(w)
        case = partial(Case, shape=f"{m}x{d}x{k}", source=source, flops=2.0 * m * d * k, operands=(x, w, b, g))
        yield case("linear.forward", call=partial(kernels.linear.forward, x, w, b, out=y))
        yield case("linear.backward_input", call=partial(kernels.linear.backward_input, g, w, out=dx))
        yield case("linear.backward_weight", call=partial(kernels.linear.backward_weight, x, g, out=dw))


FAMILIES: dict[str, Family] = {"conv": convolution, "linear": linear}
