"""Operations for training: each one step of a trace, with its meaning in differentiable NumPy and kernels of its own.

To add one, write ``ops/<op>.py``: a composition whose docstring is the op's, ``forward`` and ``backward`` on kernels,
and ``fused(...)`` with examples, on which the conformance suite tests it. Images are channels-last, (N, H, W, C).

``linear`` is the plainest. ``embedding attention batch_norm layer_norm group_norm rms_norm dropout`` are an operation
each, ``activations/ convolution/ pooling/ recurrent/ softmax`` several; ``losses/`` has those, one value a sample;
``collectives`` are sums over ranks that can be differentiated, ``stop_gradient`` is where derivatives end, and
``argument_checks`` what all check alike.
"""

from ddtrain.ops.activations import (
    custom_activation,
    elu,
    gelu,
    hard_sigmoid,
    hard_tanh,
    leaky_relu,
    maxout,
    normal_cdf,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from ddtrain.ops.attention import attention, self_attention
from ddtrain.ops.batch_norm import Moments, batch_norm, batch_norm_inference, running_moments
from ddtrain.ops.collectives import allreduce, communicator, fan_in, fan_out, use_communicator
from ddtrain.ops.convolution import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from ddtrain.ops.dropout import dropout
from ddtrain.ops.embedding import embedding
from ddtrain.ops.group_norm import group_norm, instance_norm
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
from ddtrain.ops.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    global_avg_pool1d,
    global_avg_pool2d,
    global_max_pool1d,
    global_max_pool2d,
    max_pool1d,
    max_pool2d,
)
from ddtrain.ops.recurrent import gru, lstm, rnn
from ddtrain.ops.rms_norm import rms_norm
from ddtrain.ops.softmax import log_softmax, softmax
from ddtrain.ops.stop_gradient import stop_gradient

__all__ = [
    "Moments",
    "absolute_error",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "allreduce",
    "attention",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "batch_norm_inference",
    "binary_cross_entropy_with_logits",
    "binary_hinge",
    "combine_losses",
    "communicator",
    "contrastive_loss",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "correct",
    "crammer_singer",
    "cross_entropy",
    "custom_activation",
    "dropout",
    "elu",
    "embedding",
    "fan_in",
    "fan_out",
    "gelu",
    "global_avg_pool1d",
    "global_avg_pool2d",
    "global_max_pool1d",
    "global_max_pool2d",
    "group_norm",
    "gru",
    "hard_sigmoid",
    "hard_tanh",
    "hinge",
    "huber_loss",
    "kl_divergence",
    "l1_penalty",
    "l2_penalty",
    "instance_norm",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logistic_loss",
    "lstm",
    "max_pool1d",
    "max_pool2d",
    "maxout",
    "normal_cdf",
    "prelu",
    "relu",
    "rms_norm",
    "rnn",
    "running_moments",
    "self_attention",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "squared_error",
    "stop_gradient",
    "tanh",
    "triplet_loss",
    "use_communicator",
]
