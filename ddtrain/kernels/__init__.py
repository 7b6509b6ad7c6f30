"""Kernels: the seam between what is computed and how fast.

A kernel takes plain arrays and numbers and returns plain arrays. It knows no boxes, no ranks and no modules, so a
compiled twin can stand in for any of them without anyone above noticing. What every kernel promises:

- it works with zero rows, with any floating dtype (which it keeps), and with input in any memory layout;
- ``out=`` names where the result goes: a C-contiguous array of the result's shape and dtype that shares no memory
  with the inputs; elementwise kernels also accept an input itself. Without it the result is new;
- inputs are never written to, unless the name ends in an underscore or the documentation says "in place";
- work space is kept per thread (``workspace.py``), because ranks may be threads of one process.

Every family is a module, and ``recurrent/`` has three; ``linear`` is the shortest. Those of ``updates/`` serve
``ddtrain.optim``, the others ``ddtrain.ops``; ``channel_sums`` and ``workspace`` serve other kernels.
"""

from ddtrain.kernels import (
    activation,
    attention,
    batch_norm,
    conv,
    dropout,
    embedding,
    layer_norm,
    linear,
    normal_distribution,
    pool,
    softmax,
)
from ddtrain.kernels.native import families  # gives the references their compiled twins
from ddtrain.kernels.recurrent import gru, lstm, rnn
from ddtrain.kernels.updates import adaptive_update, average_update, layerwise_update, moment_update, optimizer_update

__all__ = [
    "activation",
    "adaptive_update",
    "attention",
    "average_update",
    "batch_norm",
    "conv",
    "dropout",
    "embedding",
    "gru",
    "layer_norm",
    "linear",
    "layerwise_update",
    "lstm",
    "moment_update",
    "normal_distribution",
    "optimizer_update",
    "pool",
    "rnn",
    "softmax",
]
