"""Recipes: complete jobs by name. The first is the default.

``digits_softmax`` is the smallest, ``fashion_cnn`` the default, ``shakespeare_char`` a language model; ``common``,
``images`` and ``language`` are what they share.

To add one, write ``recipes/<name>.py`` with a ``Config`` subclass and ``build(config) -> Task``, and enter it here.
"""

from ddtrain.recipes import (
    digits_autoencoder,
    digits_mlp,
    digits_softmax,
    digits_svm,
    digits_to_words,
    fashion_cnn,
    fashion_inception,
    fashion_lenet,
    fashion_resnet20,
    fashion_vgg,
    shakespeare_char,
    shakespeare_glove,
    shakespeare_gpt,
    shakespeare_masked,
    shakespeare_nnlm,
)
from ddtrain.trainer.main import Recipe

RECIPES: dict[str, Recipe] = {
    "fashion_cnn": Recipe(
        fashion_cnn.FashionCnn(), fashion_cnn.build, "convolutional network with batch-norm on Fashion-MNIST"
    ),
    "fashion_lenet": Recipe(fashion_lenet.FashionLenet(), fashion_lenet.build, "LeNet-5 on Fashion-MNIST"),
    "fashion_vgg": Recipe(fashion_vgg.FashionVgg(), fashion_vgg.build, "small network after VGG on Fashion-MNIST"),
    "fashion_resnet20": Recipe(
        fashion_resnet20.FashionResnet20(), fashion_resnet20.build, "residual network of 20 layers on Fashion-MNIST"
    ),
    "fashion_inception": Recipe(
        fashion_inception.FashionInception(), fashion_inception.build, "Inception blocks on Fashion-MNIST"
    ),
    "digits_mlp": Recipe(digits_mlp.DigitsMlp(), digits_mlp.build, "perceptron with batch-norm on 8x8 digits"),
    "digits_softmax": Recipe(digits_softmax.DigitsSoftmax(), digits_softmax.build, "softmax regression on 8x8 digits"),
    "digits_svm": Recipe(
        digits_svm.DigitsSvm(), digits_svm.build, "support vector machine, linear or with a kernel, on 8x8 digits"
    ),
    "digits_autoencoder": Recipe(
        digits_autoencoder.DigitsAutoencoder(), digits_autoencoder.build, "autoencoder with tied weights of 8x8 digits"
    ),
    "digits_to_words": Recipe(
        digits_to_words.DigitsToWords(), digits_to_words.build, "encoder-decoder transformer that spells numbers"
    ),
    "shakespeare_nnlm": Recipe(
        shakespeare_nnlm.ShakespeareNnlm(), shakespeare_nnlm.build, "Bengio's neural language model on nine plays"
    ),
    "shakespeare_char": Recipe(
        shakespeare_char.ShakespeareChar(), shakespeare_char.build, "RNN, LSTM or GRU over the characters of nine plays"
    ),
    "shakespeare_gpt": Recipe(
        shakespeare_gpt.ShakespeareGpt(), shakespeare_gpt.build, "GPT over the characters of nine plays"
    ),
    "shakespeare_masked": Recipe(
        shakespeare_masked.ShakespeareMasked(), shakespeare_masked.build, "transformer encoder that fills gaps in plays"
    ),
    "shakespeare_glove": Recipe(
        shakespeare_glove.ShakespeareGlove(), shakespeare_glove.build, "GloVe: vectors of the words of nine plays"
    ),
}

__all__ = ["RECIPES"]
