"""Recipes: complete jobs by name. The first is the default.

``digits_mlp`` is the smallest, ``fashion_cnn`` the default, ``shakespeare_nnlm`` a language model; ``common`` is what
they share.

To add one, write ``recipes/<name>.py`` with a ``Config`` subclass and ``build(config) -> Task``, and enter it here.
"""

from ddtrain.recipes import digits_mlp, fashion_cnn, shakespeare_char, shakespeare_gpt, shakespeare_nnlm
from ddtrain.trainer.main import Recipe

RECIPES: dict[str, Recipe] = {
    "fashion_cnn": Recipe(
        fashion_cnn.FashionCnn(), fashion_cnn.build, "convolutional network with batch-norm on Fashion-MNIST"
    ),
    "digits_mlp": Recipe(digits_mlp.DigitsMlp(), digits_mlp.build, "perceptron with batch-norm on 8x8 digits"),
    "shakespeare_nnlm": Recipe(
        shakespeare_nnlm.ShakespeareNnlm(), shakespeare_nnlm.build, "Bengio's neural language model on nine plays"
    ),
    "shakespeare_char": Recipe(
        shakespeare_char.ShakespeareChar(), shakespeare_char.build, "RNN, LSTM or GRU over the characters of nine plays"
    ),
    "shakespeare_gpt": Recipe(
        shakespeare_gpt.ShakespeareGpt(), shakespeare_gpt.build, "GPT over the characters of nine plays"
    ),
}

__all__ = ["RECIPES"]
