"""Activations, each as one step of a trace.

``rectifiers`` (ReLU and its kind), ``exponentials`` (ELU, SELU, softplus), ``sigmoids`` (sigmoid, tanh, SiLU, and those
of straight pieces), ``gaussian`` (GELU), ``maxout``; ``custom`` makes one of any function and its derivative.
"""

from ddtrain.numpy import tanh
from ddtrain.ops.activations.custom import custom_activation
from ddtrain.ops.activations.exponentials import elu, selu, softplus
from ddtrain.ops.activations.gaussian import gelu, normal_cdf
from ddtrain.ops.activations.maxout import maxout
from ddtrain.ops.activations.rectifiers import leaky_relu, prelu, relu
from ddtrain.ops.activations.sigmoids import hard_sigmoid, hard_tanh, sigmoid, silu

__all__ = [
    "custom_activation", "elu", "gelu", "hard_sigmoid", "hard_tanh", "leaky_relu", "maxout", "normal_cdf", "prelu",
    "relu", "selu", "sigmoid", "silu", "softplus", "tanh",
]  # fmt: skip
