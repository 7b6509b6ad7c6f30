"""The operations that models call directly, re-exported so that a model needs ``ddtrain.nn`` alone."""

from ddtrain.ops import (
    attention,
    gelu,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    tanh,
)

__all__ = ["attention", "gelu", "leaky_relu", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]
