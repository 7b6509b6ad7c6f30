"""Recipes: complete jobs by name. The first is the default.

``digits/``, ``fashion/`` and ``shakespeare/`` are the rooms, by data; ``common``, ``images`` and ``language`` are what
recipes share, ``picture_options`` and ``classifier`` what those of pictures do, and ``trained`` loads what one of them
has trained. ``digits_softmax`` is the smallest.

To add one, write ``recipes/<data>/<name>.py`` with a ``Config`` subclass and ``build(config) -> Task``, and enter
it here.
"""

from ddtrain.recipes.digits import autoencoder, mlp, softmax, svm, to_words
from ddtrain.recipes.fashion import cnn, inception, lenet, resnet20, vgg
from ddtrain.recipes.shakespeare import char, glove, gpt, masked, nnlm
from ddtrain.trainer.main import Recipe

RECIPES: dict[str, Recipe] = {
    "fashion_cnn": Recipe(cnn.FashionCnn(), cnn.build, "convolutional network with batch-norm on Fashion-MNIST"),
    "fashion_lenet": Recipe(lenet.FashionLenet(), lenet.build, "LeNet-5 on Fashion-MNIST"),
    "fashion_vgg": Recipe(vgg.FashionVgg(), vgg.build, "small network after VGG on Fashion-MNIST"),
    "fashion_resnet20": Recipe(
        resnet20.FashionResnet20(), resnet20.build, "residual network of 20 layers on Fashion-MNIST"
    ),
    "fashion_inception": Recipe(inception.FashionInception(), inception.build, "Inception blocks on Fashion-MNIST"),
    "digits_mlp": Recipe(mlp.DigitsMlp(), mlp.build, "perceptron with batch-norm on 8x8 digits"),
    "digits_softmax": Recipe(softmax.DigitsSoftmax(), softmax.build, "softmax regression on 8x8 digits"),
    "digits_svm": Recipe(svm.DigitsSvm(), svm.build, "support vector machine, linear or with a kernel, on 8x8 digits"),
    "digits_autoencoder": Recipe(
        autoencoder.DigitsAutoencoder(), autoencoder.build, "autoencoder with tied weights of 8x8 digits"
    ),
    "digits_to_words": Recipe(
        to_words.DigitsToWords(), to_words.build, "encoder-decoder transformer that spells numbers"
    ),
    "shakespeare_nnlm": Recipe(nnlm.ShakespeareNnlm(), nnlm.build, "Bengio's neural language model on nine plays"),
    "shakespeare_char": Recipe(
        char.ShakespeareChar(), char.build, "RNN, LSTM or GRU over the characters of nine plays"
    ),
    "shakespeare_gpt": Recipe(gpt.ShakespeareGpt(), gpt.build, "GPT over the characters of nine plays"),
    "shakespeare_masked": Recipe(
        masked.ShakespeareMasked(), masked.build, "transformer encoder that fills gaps in plays"
    ),
    "shakespeare_glove": Recipe(glove.ShakespeareGlove(), glove.build, "GloVe: vectors of the words of nine plays"),
}

__all__ = ["RECIPES"]
