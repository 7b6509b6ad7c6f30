"""Causal self-attention, head by head in NumPy, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.autodiff import check_grads
from ddtrain.errors import UsageError

R = np.random.default_rng(0)


def by_hand(v: dict[str, Any], x_TD: Any, heads: int) -> Any:
    """One sample: position by position, of each head the values of those before, weighted."""
    t, d = x_TD.shape
    q, k, value = np.split(x_TD @ v["qkv.weight"] + v["qkv.bias"], 3, axis=1)
    mixed, width = np.zeros((t, d)), d // heads
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        for i in range(t):
            scores = np.exp(q[i, part] @ k[: i + 1, part].T / width**0.5)
            mixed[i, part] = scores / scores.sum() @ value[: i + 1, part]
    return mixed @ v["project.weight"] + v["project.bias"]


@pytest.mark.parametrize("heads", [1, 2, 3, 6])
@pytest.mark.parametrize(("n", "t"), [(2, 4), (1, 1), (0, 3)])
def test_it_is_the_sum_over_heads_and_earlier_positions(n: int, t: int, heads: int) -> None:
    layer, x = nn.CausalSelfAttention(6, heads), R.standard_normal((n, t, 6))
    v = layer.init(0, np.float64)
    found = layer.bind(v)(x)
    assert found.shape == (n, t, 6)
    for sample, row in zip(x, found, strict=True):
        np.testing.assert_allclose(row, by_hand(v, sample, heads), rtol=1e-10, atol=1e-14)


def test_derivatives() -> None:
    layer, x = nn.CausalSelfAttention(4, 2), R.standard_normal((2, 3, 4))
    check_grads(lambda v, x: layer.bind(v)(x), order=1)(layer.init(0, np.float64), x)


def test_float32_stays() -> None:
    layer = nn.CausalSelfAttention(4, 2)
    assert layer.bind(layer.init(0))(np.ones((1, 2, 4), np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("d", "heads", "said"),
    [
        (4, 3, "CausalSelfAttention: 3 heads do not divide width 4"),
        (4, 0, "CausalSelfAttention: heads 0 is less than 1"),
        (-4, 2, "CausalSelfAttention: d -4 is less than 1"),
    ],
)
def test_what_makes_no_heads_is_refused(d: int, heads: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        nn.CausalSelfAttention(d, heads)
    assert caught.value.message == said
