"""All families of compiled twins: importing this module gives the references their twins."""

from ddtrain.kernels.native import (
    activation,
    attention,
    batch_norm,
    channel_sums,
    conv,
    group_norm,
    layer_norm,
    linear,
    normal_distribution,
    pool,
    softmax,
    updates,
)

__all__ = [
    "activation",
    "attention",
    "batch_norm",
    "channel_sums",
    "conv",
    "group_norm",
    "layer_norm",
    "linear",
    "normal_distribution",
    "pool",
    "softmax",
    "updates",
]
