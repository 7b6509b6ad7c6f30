"""Kernels that memory bounds: a few operations for every number that they read."""

# M rows, D features or channels, V vocabulary
from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ddtrain import kernels, rng
from ddtrain.bench.kernels.case import Array, Case, Draw, Family, moved

EPS = 1e-5
RATE = 0.1  # of dropout

NORMS = (  # source, shape
    ("mlp_bn", (128, 512)),
    ("resnet8, resnet20", (64, 32, 32, 16)),
    ("resnet8, resnet20", (64, 16, 16, 32)),
    ("resnet8, resnet20", (64, 8, 8, 64)),
    ("larger", (64, 56, 56, 64)),
)
ACTIVATIONS = (("mlp", (128, 512)), ("gpt", (1024, 512)), ("resnet8, resnet20", (64, 32, 32, 16)), ("larger", (2**23,)))
ROWS = (("gpt", (1024, 128)), ("larger", (8192, 1024)))  # of layer-norm
SCORES = (("mlp", 128, 10), ("gpt", 1024, 256), ("lstm", 1600, 256), ("nnlm", 256, 10_000))
TABLES = (("gpt", 256, 128, 1024), ("lstm", 256, 256, 1600), ("nnlm", 10_000, 64, 1024), ("larger", 50_000, 512, 4096))
POOLS = (  # source, shape, window, stride, padding
    ("lenet", (64, 28, 28, 16), 2, 2, 0),
    ("inception: stem", (64, 28, 28, 16), 2, 2, 0),
    ("inception", (64, 14, 14, 32), 3, 1, 1),
    ("larger", (64, 56, 56, 64), 2, 2, 0),
)
GRADIENTS = (("mlp", (128, 512)), ("nnlm", (256, 10_000)), ("gpt", (1024, 512)), ("lenet", (64, 28, 28, 16)))
DROPPED = (("gpt with dropout", (16, 64, 128)), ("larger", (64, 128, 1024)))
VECTORS = (("tiny_mlp", 4_810), ("resnet20", 272_282), ("mlp", 669_706), ("nnlm", 5_275_792))


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def batch_norm() -> Iterator[Case]:
    """Forward with its moments, in one batch; backward with its sums."""
    draw, norm = Draw("batch_norm"), kernels.batch_norm
    for source, shape in NORMS:
        x, g, y = draw(*shape), draw(*shape), np.empty(shape, np.float32)
        scale, shift = draw(shape[-1]), draw(shape[-1])

        def forward(x: Array = x, scale: Array = scale, shift: Array = shift, y: Array = y) -> Any:
            return norm.normalise(x, norm.moments(x)[None], scale, shift, EPS, out=y)

        _, moments, inv_std = forward()

        def backward(
            x: Array = x, g: Array = g, scale: Array = scale, y: Array = y, m: Array = moments, inv_std: Array = inv_std
        ) -> Array:
            sums, _, _ = norm.backward_sums(g, x, m, inv_std)
            return norm.backward_input(g, x, m, inv_std, scale, sums, out=y)

        case = partial(Case, shape=_text(shape), source=source, operands=(x, g, scale, shift))
        yield case("batch_norm.forward", call=forward, nbytes=moved(x, x, y))
        yield case("batch_norm.backward", call=backward, nbytes=moved(x, g, x, g, y))


def layer_norm() -> Iterator[Case]:
    """Forward; backward with both sums over the rows."""
    draw, norm = Draw("layer_norm"), kernels.layer_norm
    for source, shape in ROWS:
        x, g, y = draw(*shape), draw(*shape), np.empty(shape, np.float32)
        scale, shift = draw(shape[-1]), draw(shape[-1])
        _, mean, inv_std = norm.forward(x, scale, shift, EPS)
        forward = partial(norm.forward, x, scale, shift, EPS, out=y)
        backward = partial(norm.backward, g, x, mean, inv_std, scale, out=np.empty_like(x))
        case = partial(Case, shape=_text(shape), source=source, operands=(x, g, scale, shift))
        yield case("layer_norm.forward", call=forward, nbytes=moved(x, y))
        yield case("layer_norm.backward", call=backward, nbytes=moved(g, x, y))


def activation() -> Iterator[Case]:
    """ReLU, GELU and the sigmoid."""
    draw, of = Draw("activation"), kernels.activation
    for source, shape in ACTIVATIONS:
        x, g, y = draw(*shape), draw(*shape), np.empty(shape, np.float32)
        case = partial(Case, shape=_text(shape), source=source)
        for name in ("relu", "gelu", "sigmoid"):
            forward, backward = getattr(of, name), getattr(of, f"{name}_backward")
            seen = x if name == "gelu" else forward(x)  # what the way back is told
            yield case(f"activation.{name}", call=partial(forward, x, out=y), nbytes=moved(x, y), operands=(x,))
            call = partial(backward, g, seen, out=y)
            yield case(f"activation.{name}_backward", call=call, nbytes=moved(g, seen, y), operands=(g, seen))


def softmax() -> Iterator[Case]:
    """Cross-entropy, whose forward pass keeps what the softmax is made of."""
    draw, of = Draw("softmax"), kernels.softmax
    for source, m, k in SCORES:
        x, labels, g, dx = draw(m, k), draw.integers(k, m), draw(m), np.empty((m, k), np.float32)
        _, e, sums = of.cross_entropy(x, labels)
        case = partial(Case, shape=f"{m}x{k}", source=source, operands=(x, labels, g))
        yield case("softmax.cross_entropy", call=partial(of.cross_entropy, x, labels), nbytes=moved(x, dx))
        call = partial(of.cross_entropy_backward, g, e, sums, labels, out=dx)
        yield case("softmax.cross_entropy_backward", call=call, nbytes=moved(x, dx))


def dropout() -> Iterator[Case]:
    """Given the numbers that decide, forward and backward; and forward with the numbers drawn, which need no memory."""
    draw, of = Draw("dropout"), kernels.dropout
    for source, shape in DROPPED:
        x, g, y = draw(*shape), draw(*shape), np.empty(shape, np.float32)
        numbers = partial(rng.sample_uniform, 0, "bench", 0, 0, shape)
        uniform = numbers()
        _, kept = of.forward(x, uniform, RATE)

        def drawn(x: Array = x, numbers: Callable[[], Array] = numbers) -> Any:
            return of.forward(x, numbers(), RATE)

        case, forward = partial(Case, shape=_text(shape), source=source), partial(of.forward, x, uniform, RATE)
        yield case("dropout.forward", call=forward, nbytes=moved(x, uniform, y, kept))
        call = partial(of.backward, g, kept, out=y)
        yield case("dropout.backward", call=call, nbytes=moved(g, kept, y), operands=(g, kept))
        yield case("dropout, drawn", call=drawn, nbytes=moved(x, kept, y), operands=(x,), drawn=True)


def embedding() -> Iterator[Case]:
    """Rows gathered, and added back. Of a table, only the rows that are read count; its gradient is written whole."""
    draw, of = Draw("embedding"), kernels.embedding
    for source, vocabulary, width, m in TABLES:
        table, indices = draw(vocabulary, width), draw.integers(vocabulary, m)
        g, y, dtable = draw(m, width), np.empty((m, width), np.float32), np.empty_like(table)
        case = partial(Case, shape=f"{m} of {vocabulary}x{width}", source=source)
        call = partial(of.forward, table, indices, out=y)
        yield case("embedding.forward", call=call, nbytes=moved(y, y), operands=(table, indices))
        call = partial(of.backward, g, indices, vocabulary, out=dtable)
        yield case("embedding.backward", call=call, nbytes=moved(g, dtable), operands=(g, indices, vocabulary))


def column_sums() -> Iterator[Case]:
    """A bias's gradient."""
    draw = Draw("column_sums")
    for source, shape in GRADIENTS:
        g, out = draw(*shape), np.empty(shape[-1], np.float32)
        call = partial(kernels.linear.backward_bias, g, out=out)
        yield Case("linear.backward_bias", _text(shape), source, call, nbytes=moved(g), operands=(g,))


def pool() -> Iterator[Case]:
    """The largest of each window, which also notes its place, and the average."""
    draw, of = Draw("pool"), kernels.pool
    for source, shape, window, stride, pad in POOLS:
        x, (_, height, width, _) = draw(*shape), shape
        how = (window, window, (stride, stride), (pad,) * 4)
        y, place = of.max_forward(x, *how)
        g, dx, text = draw(*y.shape), np.empty_like(x), f"{_text(shape)}, {window}x{window} by {stride}"
        case = partial(Case, shape=text, source=source, operands=(x, g, window, stride, pad))
        yield case("pool.max_forward", call=partial(of.max_forward, x, *how, out=y), nbytes=moved(x, y, place))
        call = partial(of.max_backward, g, place, height, width, *how, out=dx)
        yield case("pool.max_backward", call=call, nbytes=moved(g, place, dx))
        yield case("pool.average_forward", call=partial(of.average_forward, x, *how, out=y), nbytes=moved(x, y))
        call = partial(of.average_backward, g, height, width, *how, out=dx)
        yield case("pool.average_backward", call=call, nbytes=moved(g, dx))


def updates() -> Iterator[Case]:
    """SGD with momentum, and Adam; ``bench optimizers`` has all of them."""
    draw, of = Draw("updates"), kernels.optimizer_update
    for source, n in VECTORS:
        values, g = draw(n), draw(n)
        momentum, first, second = (np.zeros_like(values) for _ in range(3))
        case = partial(Case, shape=str(n), source=source, operands=(values.copy(), g))
        sgd = _returning(momentum, partial(of.sgd, values.copy(), g, momentum, lr=1e-6, momentum=0.9))
        adam = _returning(first, partial(of.adam, values, g, first, second, lr=1e-6))
        yield case("optimizer_update.sgd", call=sgd, nbytes=5 * moved(values))
        yield case("optimizer_update.adam", call=adam, nbytes=7 * moved(values))


def _returning(state: Array, update: Callable[[], None]) -> Callable[[], Array]:
    """What works in place, with what is to be compared as its result."""

    def call() -> Array:
        update()
        return state

    return call


FAMILIES: dict[str, Family] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "activation": activation,
    "softmax": softmax,
    "dropout": dropout,
    "embedding": embedding,
    "column_sums": column_sums,
    "pool": pool,
    "updates": updates,
}
