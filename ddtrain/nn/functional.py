"""The operations that models call directly, re-exported so that a model needs ``ddtrain.nn`` alone."""

from ddtrain.ops import (
    attention,
    custom_activation,
    elu,
    gelu,
    hard_sigmoid,
    hard_tanh,
    leaky_relu,
    log_softmax,
    maxout,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    stop_gradient,
    tanh,
)

__all__ = [
    "attention", "custom_activation", "elu", "gelu", "hard_sigmoid", "hard_tanh", "leaky_relu", "log_softmax",
    "maxout", "relu", "selu", "sigmoid", "silu", "softmax", "softplus", "stop_gradient", "tanh",
]  # fmt: skip
