"""Recipes: complete jobs by name. The first is the default.

``digits/``, ``fashion/`` and ``shakespeare/`` are the rooms, by data; ``common``, ``images`` and ``language`` are what
recipes share, ``picture_options`` and ``classifier`` what those of pictures do, and ``trained`` loads what one of them
has trained. ``digits_softmax`` is the smallest.

To add one, write ``recipes/<data>/<name>.py`` with a ``Config`` subclass ``<Data><Name>`` and ``build(config) ->
Task``, and enter it here. Its module is loaded when it is needed, as most commands are about one recipe.
"""

from importlib import import_module
from typing import Any

from ddtrain.trainer.main import Recipe

_ABOUT = {
    "fashion_cnn": "convolutional network with batch-norm on Fashion-MNIST",
    "fashion_lenet": "LeNet-5 on Fashion-MNIST",
    "fashion_vgg": "small network after VGG on Fashion-MNIST",
    "fashion_resnet20": "residual network of 20 layers on Fashion-MNIST",
    "fashion_inception": "Inception blocks on Fashion-MNIST",
    "digits_mlp": "perceptron with batch-norm on 8x8 digits",
    "digits_softmax": "softmax regression on 8x8 digits",
    "digits_svm": "support vector machine, linear or with a kernel, on 8x8 digits",
    "digits_autoencoder": "autoencoder with tied weights of 8x8 digits",
    "digits_to_words": "encoder-decoder transformer that spells numbers",
    "shakespeare_nnlm": "Bengio's neural language model on nine plays",
    "shakespeare_char": "RNN, LSTM or GRU over the characters of nine plays",
    "shakespeare_gpt": "GPT over the characters of nine plays",
    "shakespeare_masked": "transformer encoder that fills gaps in plays",
    "shakespeare_glove": "GloVe: vectors of the words of nine plays",
}


def _recipe(name: str, about: str) -> Recipe:
    """The recipe of a name: ``digits_mlp`` is ``DigitsMlp`` and ``build`` of ``digits/mlp``."""

    def loaded(member: str) -> Any:
        return getattr(import_module(f"ddtrain.recipes.{name.replace('_', '.', 1)}"), member)

    options = "".join(word.capitalize() for word in name.split("_"))
    return Recipe(lambda: loaded(options)(), lambda config: loaded("build")(config), about)


RECIPES: dict[str, Recipe] = {name: _recipe(name, about) for name, about in _ABOUT.items()}

__all__ = ["RECIPES"]
