"""The families of compiled twins, a module a family: importing this room gives the references their twins.

``activation`` is the shortest. Each has its C in ``../sources``, under the same name.
"""

from ddtrain.kernels.native.families import (
    activation,
    attention,
    batch_norm,
    channel_sums,
    conv,
    dropout,
    embedding,
    group_norm,
    layer_norm,
    linear,
    normal_distribution,
    pool,
    recurrent,
    softmax,
    updates,
)

__all__ = [
    "activation",
    "attention",
    "batch_norm",
    "channel_sums",
    "conv",
    "dropout",
    "embedding",
    "group_norm",
    "layer_norm",
    "linear",
    "normal_distribution",
    "pool",
    "recurrent",
    "softmax",
    "updates",
]
