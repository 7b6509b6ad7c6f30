"""Multi-head self-attention."""

# N samples, T positions, D width, A heads, E width of a head
from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.errors import UsageError
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.layers import Linear
from ddtrain.nn.module import Module


class CausalSelfAttention(Module):
    """Each position attends to itself and those before it, in ``heads`` subspaces (Vaswani et al., arXiv:1706.03762).

    Queries, keys and values come from one linear layer, in this order along its output.

    >>> attention = CausalSelfAttention(d=4, heads=2)
    >>> bound = attention.bind(attention.init(seed=0))
    >>> x, other = np.ones((1, 3, 4)), np.ones((1, 3, 4))
    >>> other[0, 2] = [1.0, 2.0, 3.0, 4.0]
    >>> np.isclose(bound(x), bound(other)).all(-1)  # a later position changes nothing before it
    array([[ True,  True, False]])
    """

    def __init__(self, d: int, heads: int) -> None:
        d, heads = sizes("CausalSelfAttention", d=d, heads=heads)
        if d % heads:
            raise UsageError(f"CausalSelfAttention: {heads} heads do not divide width {d}")
        self.heads = heads
        self.qkv = Linear(d, 3 * d)
        self.project = Linear(d, d)

    def forward(self, x_NTD: Any) -> Any:
        n, t, d = x_NTD.shape
        qkv = np.reshape(self.qkv(x_NTD), (n, t, 3, self.heads, d // self.heads))
        q_NATE, k_NATE, v_NATE = np.transpose(qkv, (2, 0, 3, 1, 4))
        mixed_NATE = ops.attention(q_NATE, k_NATE, v_NATE, causal=True)
        return self.project(np.reshape(np.transpose(mixed_NATE, (0, 2, 1, 3)), (n, t, d)))
