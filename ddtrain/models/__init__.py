"""Networks, built from ``ddtrain.nn`` alone: ``mlp``, ``cnn``, ``resnet``, ``nnlm`` and ``gpt``, the plainest first."""

from ddtrain.models.cnn import Cnn, LeNet
from ddtrain.models.gpt import Gpt
from ddtrain.models.mlp import Mlp
from ddtrain.models.nnlm import Nnlm
from ddtrain.models.resnet import ResNet8

__all__ = ["Cnn", "Gpt", "LeNet", "Mlp", "Nnlm", "ResNet8"]
