"""Kernels over sequences that arithmetic bounds: attention, and recurrent cells.

Of attention under a causal mask, the pairs of a query and a key that it sees count, and of its backward pass the four
products that its definition has, not the scores that are computed again. Of a recurrent layer, the products of the
hidden state: those of the inputs are one product for all positions (``linear``).
"""

# N samples, A heads, T positions, E width of a head, H hidden units
from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ddtrain import kernels
from ddtrain.bench.kernels.case import Case, Draw, Family

ATTENTIONS = (("gpt", 16, 4, 64, 32), ("larger", 8, 8, 512, 64))  # source, N, A, T, E
RECURRENT = (("lstm", 32, 50, 256), ("larger", 64, 100, 512))  # source, N, T, H


def attention() -> Iterator[Case]:
    """Causal, forward and backward."""
    draw, of = Draw("attention"), kernels.attention
    for source, n, heads, t, e in ATTENTIONS:
        q, k, v, g = (draw(n, heads, t, e) for _ in range(4))
        y, log_sum = of.forward(q, k, v, True)
        a_product = 2.0 * n * heads * (t * (t + 1) / 2) * e
        case = partial(Case, shape=f"{n}x{heads} heads, {t}x{e}, causal", source=source, operands=(q, k, v, g))
        forward = partial(of.forward, q, k, v, True, out=np.empty_like(y))
        backward = partial(of.backward, g, y, log_sum, q, k, v, True)
        yield case("attention.forward", call=forward, flops=2 * a_product)
        yield case("attention.backward", call=backward, flops=4 * a_product)


def recurrent() -> Iterator[Case]:
    """LSTM and GRU over all positions, forward and backward."""
    draw = Draw("recurrent")
    for source, n, t, h in RECURRENT:
        start, small = np.zeros((n, h), np.float32), np.float32(h**-0.5)
        for name, gates, states in (("lstm", 4, 2), ("gru", 3, 1)):
            of = getattr(kernels, name)
            w = small * draw(h, gates * h)
            case = partial(Case, shape=f"{n}x{t}x{h}", source=source, flops=2.0 * n * t * w.size)
            biases = () if name == "lstm" else (None,)
            forward = partial(getattr(of, name), draw(n, t, gates * h), *[start] * states, w, *biases)
            y, *saved = forward()
            backward = partial(getattr(of, f"{name}_backward"), draw(*y.shape), y, *saved, start, w)
            yield case(f"{name}.{name}", call=forward)
            yield case(f"{name}.{name}_backward", call=backward)


FAMILIES: dict[str, Family] = {"attention": attention, "recurrent": recurrent}
