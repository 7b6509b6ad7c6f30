"""Operations for training: each one step of a trace, with its meaning in differentiable NumPy and kernels of its own.

To add one, write ``ops/<op>.py``: a composition whose docstring is the op's, ``forward`` and ``backward`` on kernels,
and ``fused(...)`` with examples, on which the conformance suite tests it. Images are channels-last, (N, H, W, C).

``linear`` is the plainest. ``convolution pooling embedding attention batch_norm layer_norm dropout`` are an operation
each, ``activations softmax`` several; ``losses/`` has those, one value a sample; ``collectives`` are sums over ranks
that can be differentiated, and ``argument_checks`` what all operations check alike.
"""

from ddtrain.ops.activations import gelu, leaky_relu, normal_cdf, relu, sigmoid, tanh
from ddtrain.ops.attention import attention
from ddtrain.ops.batch_norm import Moments, batch_norm, batch_norm_inference
from ddtrain.ops.collectives import allreduce, communicator, fan_in, fan_out, use_communicator
from ddtrain.ops.convolution import conv2d
from ddtrain.ops.dropout import dropout
from ddtrain.ops.embedding import embedding
from ddtrain.ops.layer_norm import layer_norm
from ddtrain.ops.linear import linear
from ddtrain.ops.losses import (
    absolute_error,
    binary_cross_entropy_with_logits,
    binary_hinge,
    combine_losses,
    contrastive_loss,
    correct,
    crammer_singer,
    cross_entropy,
    hinge,
    huber_loss,
    kl_divergence,
    l1_penalty,
    l2_penalty,
    logistic_loss,
    squared_error,
    triplet_loss,
)
from ddtrain.ops.pooling import avg_pool2d, global_avg_pool2d, max_pool2d
from ddtrain.ops.softmax import log_softmax, softmax

__all__ = [
    "Moments",
    "absolute_error",
    "allreduce",
    "attention",
    "avg_pool2d",
    "batch_norm",
    "batch_norm_inference",
    "binary_cross_entropy_with_logits",
    "binary_hinge",
    "combine_losses",
    "communicator",
    "contrastive_loss",
    "conv2d",
    "correct",
    "crammer_singer",
    "cross_entropy",
    "dropout",
    "embedding",
    "fan_in",
    "fan_out",
    "gelu",
    "global_avg_pool2d",
    "hinge",
    "huber_loss",
    "kl_divergence",
    "l1_penalty",
    "l2_penalty",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logistic_loss",
    "max_pool2d",
    "normal_cdf",
    "relu",
    "sigmoid",
    "softmax",
    "squared_error",
    "tanh",
    "triplet_loss",
    "use_communicator",
]
