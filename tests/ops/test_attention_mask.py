"""Attention with a mask: what is hidden takes no part, whoever else is, and a query that sees nothing gets zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as onp
import pytest
from torch_numbers import wave

from ddtrain import check_grads, ops
from ddtrain.autodiff import vjp
from ddtrain.errors import ShapeError

Q, K, V = wave((2, 3, 4, 2), 0), wave((2, 3, 5, 2), 1), wave((2, 3, 5, 3), 2)
PADDED = onp.array([[True, True, True, False, False], [True, False, True, True, True]])[:, None, None]


@pytest.mark.parametrize("causal", [False, True])
def test_a_padded_sample_is_the_sample_without_its_padding(causal: bool) -> None:
    y = ops.attention(Q, K, V, causal, PADDED)
    for n in range(2):
        kept = onp.flatnonzero(PADDED[n])
        if causal:  # by hand: who sees what is counted before anything is hidden
            seen = onp.arange(5) <= onp.arange(4)[:, None] + 1
            weights = onp.exp(Q[n] @ K[n].swapaxes(-1, -2) / 2**0.5) * (seen & PADDED[n])
            expected = weights @ V[n] / weights.sum(-1, keepdims=True)
        else:
            expected = ops.attention(Q[n], K[n][:, kept], V[n][:, kept], causal=False)
        onp.testing.assert_allclose(y[n], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_a_query_that_may_see_nothing_gets_zeros_and_gives_none(causal: bool, dtype: Any) -> None:
    mask = onp.ones((4, 5), bool)
    mask[2] = False
    y, pull = vjp(lambda q, k, v: ops.attention(q, k, v, causal, mask), *(a.astype(dtype) for a in (Q, K, V)))
    assert y.dtype == dtype
    assert not y[:, :, 2].any()
    g = onp.zeros_like(y)
    g[:, :, 2] = 1
    assert not any(d.any() for d in pull(g))
    everyone = onp.zeros((1, 5), bool)
    assert not ops.attention(Q, K, V, causal, everyone).any()


def test_a_mask_of_all_true_changes_nothing_and_hidden_keys_have_no_influence() -> None:
    onp.testing.assert_array_equal(ops.attention(Q, K, V, False, onp.ones(5, bool)), ops.attention(Q, K, V, False))
    y, pull = vjp(lambda k, v: ops.attention(Q, k, v, False, PADDED), K, V)
    for d in pull(onp.ones_like(y)):
        assert not d[0, :, 3:].any()
        assert not d[1, :, 1].any()
    other_k = onp.where(PADDED[:, 0, 0, :, None][:, None], K, 1e6)
    onp.testing.assert_array_equal(ops.attention(Q, other_k, V, False, PADDED), y)


def test_derivatives_with_a_mask_to_second_order() -> None:
    check_grads(lambda q, k, v: ops.attention(q, k, v, True, PADDED), order=2)(Q, K, V)


WRONG: dict[str, Callable[[], Any]] = {
    "attention: mask has dtype float64, not bool": lambda: ops.attention(Q, K, V, False, onp.ones(5)),
    "attention: mask has shape (4,) but scores have shape (2, 3, 4, 5)": lambda: ops.attention(
        Q, K, V, False, onp.ones(4, bool)
    ),
    "attention: mask has shape (1, 2, 3, 4, 5) but scores": lambda: ops.attention(
        Q, K, V, False, onp.ones((1, 2, 3, 4, 5), bool)
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        WRONG[message]()
    assert message in caught.value.message
