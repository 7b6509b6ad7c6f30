"""The models of ``ddtrain.models`` as a JAX user writes them: functions of values by path, in our layouts.

A model is called while JAX traces it, with a :class:`Net`, which looks up values and keeps the running statistics that
batch-norm leaves. Images are channels-last, which is also what XLA prefers.
"""

# N samples, T positions, D width, A heads, E width of a head, H hidden units
from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

jax: Any = import_module("jax") if find_spec("jax") else None
jnp: Any = import_module("jax.numpy") if jax else None

_MOMENTUM = 0.1  # share of a batch in the running statistics
_EPS = 1e-5  # of batch-norm and layer-norm


class Net:
    """Layers over values by path.

    Attributes
    ----------
    updates : new running statistics, by path
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.updates: dict[str, Any] = {}

    def linear(self, path: str, x: Any) -> Any:
        """``x @ weight``, plus the bias if there is one."""
        y = x @ self.values[f"{path}.weight"]
        return y + self.values[f"{path}.bias"] if f"{path}.bias" in self.values else y

    def embedding(self, path: str, indices: Any) -> Any:
        """Rows of the table."""
        return self.values[f"{path}.weight"][indices]

    def convolution(self, path: str, x_NHWC: Any, stride: int = 1) -> Any:
        """A convolution that keeps the size, but for its stride."""
        w = self.values[f"{path}.weight"]
        pad = w.shape[0] // 2
        y = jax.lax.conv_general_dilated(
            x_NHWC, w, (stride, stride), [(pad, pad)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return y + self.values[f"{path}.bias"] if f"{path}.bias" in self.values else y

    def batch_norm(self, path: str, x: Any) -> Any:
        """Normalised over all axes but the last; the running statistics take the unbiased variance."""
        axes = tuple(range(x.ndim - 1))
        count = x.size // x.shape[-1]
        mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
        for name, new in (("running_mean", mean), ("running_var", variance * (count / (count - 1)))):
            old = self.values[f"{path}.{name}"]
            self.updates[f"{path}.{name}"] = (1 - _MOMENTUM) * old + _MOMENTUM * new
        scale = self.values[f"{path}.weight"] * jax.lax.rsqrt(variance + _EPS)
        return (x - mean) * scale + self.values[f"{path}.bias"]

    def layer_norm(self, path: str, x: Any) -> Any:
        """Each row by its own mean and variance."""
        mean, variance = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
        x_hat = (x - mean) * jax.lax.rsqrt(variance + _EPS)
        return x_hat * self.values[f"{path}.weight"] + self.values[f"{path}.bias"]

    def lstm(self, end: str, x_NTC: Any) -> Any:
        """One layer over all positions, from an empty state; gates are i, f, g, o."""
        get = {
            kind: self.values[f"recurrent.{kind}_{end}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        inputs_TNG = jnp.swapaxes(x_NTC @ get["weight_ih"] + (get["bias_ih"] + get["bias_hh"]), 0, 1)

        def position(state: Any, input_NG: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(input_NG + h @ get["weight_hh"], 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        empty = jnp.zeros((x_NTC.shape[0], get["weight_hh"].shape[0]), x_NTC.dtype)
        _, hidden_TNH = jax.lax.scan(position, (empty, empty), inputs_TNG)
        return jnp.swapaxes(hidden_TNH, 0, 1)


def max_pool(x_NHWC: Any, size: int, stride: int, pad: int = 0) -> Any:
    """The largest value of each window."""
    around = ((0, 0), (pad, pad), (pad, pad), (0, 0))
    return jax.lax.reduce_window(x_NHWC, -jnp.inf, jax.lax.max, (1, size, size, 1), (1, stride, stride, 1), around)


def mlp(net: Net, x: Any, sizes: tuple[int, ...], batch_norm: bool = False) -> Any:
    """See :class:`ddtrain.models.Mlp`, as for all functions here."""
    place = 0  # among the layers, activations included
    for _ in pairwise(sizes[:-1]):
        x = net.linear(f"layers.{place}", x)
        if batch_norm:
            place += 1
            x = net.batch_norm(f"layers.{place}", x)
        x = jax.nn.relu(x)
        place += 2
    return net.linear(f"layers.{place}", x)


def nnlm(net: Net, context_NT: Any, **_: int) -> Any:
    """Bengio's neural language model."""
    words = net.embedding("words", context_NT).reshape(context_NT.shape[0], -1)
    return net.linear("output", jnp.tanh(net.linear("hidden", words)))


def gpt(net: Net, tokens_NT: Any, vocabulary: int, positions: int, d: int, layers: int, heads: int) -> Any:
    """A decoder-only transformer."""
    n, t = tokens_NT.shape
    x = net.embedding("tokens", tokens_NT) + net.values["positions.weight"][:t]
    for layer in range(layers):
        block = f"blocks.{layer}"
        qkv = net.linear(f"{block}.attention.qkv", net.layer_norm(f"{block}.ln1", x))
        q, k, v = jnp.moveaxis(qkv.reshape(n, t, 3, heads, d // heads), 2, 0)
        mixed_NTAE = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        x = x + net.linear(f"{block}.attention.project", mixed_NTAE.reshape(n, t, d))
        wide = jax.nn.gelu(net.linear(f"{block}.expand", net.layer_norm(f"{block}.ln2", x)), approximate=False)
        x = x + net.linear(f"{block}.project", wide)
    return net.linear("head", net.layer_norm("norm", x))


def recurrent_lm(net: Net, tokens_NT: Any, vocabulary: int, embedding: int, hidden: int, layers: int) -> Any:
    """A recurrent language model, of LSTMs."""
    x = net.embedding("tokens", tokens_NT)
    for layer in range(layers):
        x = net.lstm(f"l{layer}", x)
    return net.linear("head", x)


def resnet(net: Net, x: Any, n: int, widths: tuple[int, int, int]) -> Any:
    """A residual network for small images, of n blocks a stage."""
    x = jax.nn.relu(net.batch_norm("bn", net.convolution("conv", x)))
    for block in range(3 * n):
        path, stride = f"blocks.{block}", 2 if block in (n, 2 * n) else 1
        y = jax.nn.relu(net.batch_norm(f"{path}.bn1", net.convolution(f"{path}.conv1", x, stride)))
        y = net.batch_norm(f"{path}.bn2", net.convolution(f"{path}.conv2", y))
        x = jax.nn.relu(y + (net.convolution(f"{path}.shortcut", x, stride) if stride > 1 else x))
    return net.linear("head", jnp.mean(x, (1, 2)))


def inception_net(net: Net, x: Any, width: int) -> Any:
    """A stem, and two pairs of blocks of four branches side by side."""

    def convolution(path: str, x: Any) -> Any:
        return jax.nn.relu(net.batch_norm(f"{path}.1", net.convolution(f"{path}.0", x)))

    x = max_pool(convolution("stem.0", x), 2, 2)
    for block in (0, 1, 3, 4):  # number 2 pools
        if block == 3:
            x = max_pool(x, 2, 2)
        path = f"blocks.{block}.branches"
        three = convolution(f"{path}.1.1", convolution(f"{path}.1.0", x))
        five = convolution(f"{path}.2.1", convolution(f"{path}.2.0", x))
        pooled = convolution(f"{path}.3.1", max_pool(x, 3, 1, pad=1))
        x = jnp.concatenate([convolution(f"{path}.0", x), three, five, pooled], axis=-1)
    return net.linear("head", jnp.mean(x, (1, 2)))


def lenet(net: Net, x: Any, widths: tuple[int, int]) -> Any:
    """Two convolutions and a linear layer."""
    for place in (0, 3):
        x = max_pool(jax.nn.relu(net.convolution(f"features.{place}", x)), 2, 2)
    x_NCHW = jnp.moveaxis(x, -1, 1)  # the order of the linear layer's inputs
    return net.linear("head", x_NCHW.reshape(x.shape[0], -1))


MODELS: Mapping[str, Callable[..., Any]] = {
    "Mlp": mlp,
    "Nnlm": nnlm,
    "Gpt": gpt,
    "RecurrentLm": recurrent_lm,
    "ResNet8": lambda net, x, **arguments: resnet(net, x, 1, **arguments),
    "ResNet20": lambda net, x, **arguments: resnet(net, x, 3, **arguments),
    "InceptionNet": inception_net,
    "LeNet": lenet,
}
