"""Networks, built from ``ddtrain.nn`` alone.

Read ``linear``, ``kernel_features`` (a linear model of fixed features), ``activated`` (an activation, and batch-norm
beside it), ``mlp`` and ``autoencoder``, then the rooms ``images/`` and ``text/``.
"""

from ddtrain.models.autoencoder import Autoencoder
from ddtrain.models.images.cnn import Cnn, LeNet
from ddtrain.models.images.inception import Inception, InceptionNet
from ddtrain.models.images.lenet import LeNet5
from ddtrain.models.images.resnet import ResNet, ResNet8, ResNet20
from ddtrain.models.images.vgg import Vgg
from ddtrain.models.kernel_features import KernelClassifier, PolynomialFeatures, RandomFourierFeatures
from ddtrain.models.linear import LinearRegression, LogisticRegression, SoftmaxRegression
from ddtrain.models.mlp import Mlp
from ddtrain.models.text.glove import Glove
from ddtrain.models.text.gpt import Gpt
from ddtrain.models.text.masked_lm import MaskedLm
from ddtrain.models.text.nnlm import Nnlm
from ddtrain.models.text.recurrent_lm import RecurrentLm
from ddtrain.models.text.translator import Translator

__all__ = [
    "Autoencoder", "Cnn", "Glove", "Gpt", "Inception", "InceptionNet", "KernelClassifier", "LeNet", "LeNet5",
    "LinearRegression", "LogisticRegression", "MaskedLm", "Mlp", "Nnlm", "PolynomialFeatures", "RandomFourierFeatures",
    "RecurrentLm", "ResNet", "ResNet8", "ResNet20", "SoftmaxRegression", "Translator", "Vgg",
]  # fmt: skip
