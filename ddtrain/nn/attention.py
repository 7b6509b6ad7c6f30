"""Multi-head attention: of a sequence to itself, and to another."""

# N samples, T queries, S keys, D width, A heads, E width of a head
from __future__ import annotations

from typing import Any

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.autodiff import Array
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn import init
from ddtrain.nn.argument_checks import sizes
from ddtrain.nn.declarations import param
from ddtrain.nn.layers.linear import Linear
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
        d, self.heads = _divided("CausalSelfAttention", d, heads)
        self.qkv = Linear(d, 3 * d)
        self.project = Linear(d, d)

    def forward(self, x_NTD: Array) -> Array:
        return self.project(ops.self_attention(self.qkv(x_NTD), self.heads))


class MultiheadAttention(Module):
    """Attention of queries to keys in ``heads`` subspaces (Vaswani et al., arXiv:1706.03762, section 3.2.2).

    Parameters
    ----------
    d : D, the width of queries and of the answer; divisible by ``heads``
    bias : whether the four linear maps have one
    key_width, value_width : of the sequence attended to, D unless told
    positions : applied to the queries and keys of all heads, (N, heads, T, D / heads), e.g.
        ``RotaryPositions(d // heads)``

    Attributes
    ----------
    in_proj_weight : (D, 3 D), of queries, keys and values; with other widths, ``q_proj_weight`` (D, D),
        ``k_proj_weight`` and ``v_proj_weight`` (width, D) instead
    in_proj_bias : (3 D,)
    out_proj : the linear layer of the answer

    Names, initial values and numbers are those of PyTorch's layer with ``batch_first=True``, but the answer comes
    without the attention's weights.

    >>> layer = MultiheadAttention(8, 2)
    >>> {name: d.torch_shape() for name, d in layer.declarations().items()}
    {'in_proj_weight': (24, 8), 'in_proj_bias': (24,), 'out_proj.weight': (8, 8), 'out_proj.bias': (8,)}
    """

    def __init__(
        self,
        d: int,
        heads: int,
        bias: bool = True,
        key_width: int | None = None,
        value_width: int | None = None,
        positions: Module | None = None,
    ) -> None:
        name = "MultiheadAttention"
        self.d, self.heads = d, heads = _divided(name, d, heads)
        key_width, value_width = (d if width is None else width for width in (key_width, value_width))
        widths = sizes(name, key_width=key_width, value_width=value_width)
        self.packed = widths == (d, d)
        if self.packed:
            self.in_proj_weight = param((d, 3 * d), init.glorot_uniform, torch_axes=(1, 0))
        else:
            self.q_proj_weight, self.k_proj_weight, self.v_proj_weight = (
                param((width, d), init.glorot_uniform, torch_axes=(1, 0)) for width in (d, *widths)
            )
        self.in_proj_bias = param((3 * d,), init.zeros) if bias else None
        self.out_proj = Linear(d, d, bias)
        if bias:
            self.out_proj.bias = param((d,), init.zeros)
        self.positions = positions

    def forward(
        self,
        query: Array,
        key: Array = None,
        value: Array = None,
        *,
        causal: bool = False,
        key_padding_mask: Array = None,
    ) -> Array:
        """The answer, (N, T, D).

        Parameters
        ----------
        query : (N, T, D)
        key : (N, S, key width), the sequence attended to; None: the queries themselves
        value : (N, S, value width); None: the keys
        causal : query i sees the keys up to its own position, counted from the end
        key_padding_mask : (N, S) booleans, true where a key is padding that nobody may see, as in PyTorch; where all
            of a sample's are, the attention is zero

        Raises
        ------
        ShapeError : shapes that do not fit
        """
        key = query if key is None else key
        value = key if value is None else value
        if query.ndim != 3 or key.ndim != 3 or value.ndim != 3:
            raise ShapeError(
                f"MultiheadAttention: query {query.shape}, key {key.shape} and value {value.shape} are not (N, T, D)"
            )
        q, k, v = (self._split(x) for x in self._projected(query, key, value))
        if self.positions is not None:
            q, k = self.positions(q), self.positions(k)
        mask = None if key_padding_mask is None else _seen(key_padding_mask, key.shape[:2])
        mixed_NATE = ops.attention(q, k, v, causal=causal, mask=mask)
        return self.out_proj(np.reshape(np.transpose(mixed_NATE, (0, 2, 1, 3)), query.shape))

    def _projected(self, query: Any, key: Any, value: Any) -> list[Any]:
        d, bias = self.d, self.in_proj_bias
        if self.packed and query is key is value:  # one product instead of three
            return np.split(ops.linear(query, self.in_proj_weight, bias), 3, axis=-1)
        parts = [slice(i * d, (i + 1) * d) for i in range(3)]
        if self.packed:
            weights = [self.in_proj_weight[:, part] for part in parts]
        else:
            weights = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases = [None if bias is None else bias[part] for part in parts]
        return [ops.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases)]

    def _split(self, x_NTD: Any) -> Any:
        n, t, d = x_NTD.shape
        return np.transpose(np.reshape(x_NTD, (n, t, self.heads, d // self.heads)), (0, 2, 1, 3))


def _divided(layer: str, d: int, heads: int) -> tuple[int, int]:
    d, heads = sizes(layer, d=d, heads=heads)
    if d % heads:
        raise UsageError(f"{layer}: {heads} heads do not divide width {d}")
    return d, heads


def _seen(padding_NS: Any, shape: tuple[int, ...]) -> Any:
    """The mask of attention that hides padding, (N, 1, 1, S)."""
    if padding_NS.dtype != bool or padding_NS.shape != shape:
        raise ShapeError(
            f"MultiheadAttention: key_padding_mask is {padding_NS.dtype} {padding_NS.shape}, not bool {shape}",
            remedy="It is true where a key is padding.",
        )
    return ~padding_NS[:, None, None, :]
