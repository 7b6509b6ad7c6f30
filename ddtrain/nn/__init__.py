"""Neural networks: modules that declare parameters, layers, and initial values.

Read ``module`` (a tree of declarations, and ``bind``), ``declarations``, then ``layers/``, a file a topic; ``norm``
(batch-norm), ``attention``, ``positions`` and ``recurrent`` are layers of their own, and ``carried_state`` is what
recurrent ones take from one batch to the next. ``init/`` has initial values, ``reinitialize`` gives others by rules,
``functional`` the operations. ``binding`` is how values come into a tree, ``state_dict`` how they go out, by PyTorch's
names. ``model_outputs`` takes down what a model returns to its loss. ``argument_checks`` refuses sizes that no layer
can have.
"""

from ddtrain.autodiff import Array
from ddtrain.nn import functional, init
from ddtrain.nn.attention import CausalSelfAttention, MultiheadAttention
from ddtrain.nn.binding import Run
from ddtrain.nn.carried_state import CarriedState
from ddtrain.nn.declarations import Buffer, Parameter, buffer, param
from ddtrain.nn.layers.activation import (
    ELU,
    GELU,
    SELU,
    Activation,
    Hardsigmoid,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Max,
    Maxout,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ddtrain.nn.layers.activations_by_name import ACTIVATIONS, activation, gelu, relu, sigmoid, tanh, unitwise
from ddtrain.nn.layers.containers import Concat, Flatten, Residual, Sequential
from ddtrain.nn.layers.convolution import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from ddtrain.nn.layers.dropout import Dropout, SpatialDropout
from ddtrain.nn.layers.embedding import Embedding, TiedLinear
from ddtrain.nn.layers.ensemble import Ensemble
from ddtrain.nn.layers.frozen_batch_norm import FrozenBatchNorm
from ddtrain.nn.layers.linear import Linear
from ddtrain.nn.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    MaxPool1d,
    MaxPool2d,
)
from ddtrain.nn.layers.sample_norms import GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from ddtrain.nn.module import Module
from ddtrain.nn.norm import BatchNorm
from ddtrain.nn.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from ddtrain.nn.recurrent import GRU, LSTM, RNN
from ddtrain.nn.reinitialize import reinitialized
from ddtrain.nn.state_dict import TorchTensors, from_torch, to_torch

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "Array",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Buffer",
    "CarriedState",
    "CausalSelfAttention",
    "Concat",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "Dropout",
    "ELU",
    "Embedding",
    "Ensemble",
    "Flatten",
    "FrozenBatchNorm",
    "GELU",
    "GRU",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GlobalMaxPool1d",
    "GlobalMaxPool2d",
    "GroupNorm",
    "Hardsigmoid",
    "Hardtanh",
    "Identity",
    "InstanceNorm",
    "LSTM",
    "LayerNorm",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "LogSoftmax",
    "Max",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "Module",
    "MultiheadAttention",
    "PReLU",
    "Parameter",
    "RMSNorm",
    "RNN",
    "ReLU",
    "Residual",
    "RotaryPositions",
    "Run",
    "SELU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "Softmax",
    "Softplus",
    "SpatialDropout",
    "Tanh",
    "TiedLinear",
    "TorchTensors",
    "activation",
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
    "unitwise",
]
