"""Neural networks: modules that declare parameters, layers, and initial values.

Read ``module`` (a tree of declarations, and ``bind``), ``declarations``, then ``layers``; ``norm`` and ``attention``
are layers of their own, ``init`` has initial values, ``functional`` the operations. ``binding`` is how values come into
a tree, ``state_dict`` how they go out, by PyTorch's names. ``argument_checks`` refuses sizes that no layer can have.
"""

from typing import Any

from ddtrain.nn import functional, init
from ddtrain.nn.attention import CausalSelfAttention
from ddtrain.nn.binding import Run
from ddtrain.nn.declarations import Buffer, Parameter, buffer, param
from ddtrain.nn.layers import (
    Activation,
    AvgPool2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2d,
    LayerNorm,
    Linear,
    MaxPool2d,
    Sequential,
    gelu,
    relu,
    sigmoid,
    tanh,
)
from ddtrain.nn.module import Module
from ddtrain.nn.norm import BatchNorm
from ddtrain.nn.reinitialize import reinitialized
from ddtrain.nn.state_dict import TorchTensors, from_torch, to_torch

Array = Any  # an ndarray or a box of one

__all__ = [
    "Activation",
    "Array",
    "AvgPool2d",
    "BatchNorm",
    "Buffer",
    "CausalSelfAttention",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2d",
    "LayerNorm",
    "Linear",
    "MaxPool2d",
    "Module",
    "Parameter",
    "Run",
    "Sequential",
    "TorchTensors",
    "buffer",
    "from_torch",
    "functional",
    "gelu",
    "init",
    "param",
    "reinitialized",
    "relu",
    "sigmoid",
    "tanh",
    "to_torch",
]
