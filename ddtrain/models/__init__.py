"""Networks, built from ``ddtrain.nn`` alone."""

from ddtrain.models.images.cnn import Cnn, LeNet
from ddtrain.models.images.resnet import ResNet8
from ddtrain.models.mlp import Mlp
from ddtrain.models.text.gpt import Gpt
from ddtrain.models.text.nnlm import Nnlm
from ddtrain.models.text.recurrent_lm import RecurrentLm

__all__ = ["Cnn", "Gpt", "LeNet", "Mlp", "Nnlm", "RecurrentLm", "ResNet8"]
