"""shakespeare_glove: vectors of words from how often they stand near each other in nine plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddtrain import data
from ddtrain.models import Glove
from ddtrain.optim import AdaGrad
from ddtrain.recipes.common import embedded_only
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The vectors, and what they are fitted to."""

    width: int = 50
    """Width of a word's vector."""
    window: int = 10
    """The farthest word that counts as near; one k places away counts 1 / k."""
    min_count: int = 5
    """Rarer words become <unk>."""
    enough: float = 100.0
    """Pairs that occur so often, or more often, have the full weight 1, rarer ones (x / enough)^(3/4)."""


@dataclass(frozen=True)
class ShakespeareGlove(config.Config):
    """GloVe: weighted least squares of logarithms. examples/nearest_words.py shows what a run has learned."""

    run: config.Run = config.Run(epochs=15)
    data: config.Data = config.Data(batch_size=1024)
    optim: config.Optim = AdaGrad(lr=0.05)
    model: Model = Model()


@dataclass(frozen=True)
class VectorsTask(Task):
    """A task whose model has a vector for each word of a vocabulary."""

    vocabulary: data.Vocabulary = field(default_factory=lambda: data.Vocabulary([]))


def build(settings: ShakespeareGlove) -> VectorsTask:
    """Model, loss and data of the recipe. There is nothing to validate on: all pairs of all words are trained on."""
    embedded_only(settings)
    model = settings.model
    texts, _, vocabulary = data.corpus(data.plays(), min_count=model.min_count, held_out=0.0)
    i, j, x = data.cooccurrences(texts, len(vocabulary), model.window)
    weights = np.minimum(x / model.enough, 1.0) ** 0.75
    return VectorsTask(
        model=Glove(len(vocabulary), model.width),
        loss=weighted_squares,
        train=data.ArrayData(i, j, np.log(x), weights),
        about=f"nine plays, {len(vocabulary):,} words, {len(x):,} pairs of words within {model.window} places",
        vocabulary=vocabulary,
    )


def weighted_squares(model: Any, i_N: Any, j_N: Any, log_x_N: Any, weights_N: Any) -> Any:
    """f(x) · (w_i · c_j + b_i + d_j - log x)² of each pair (Pennington, Socher & Manning 2014, eq. 8)."""
    difference = model(i_N, j_N) - log_x_N
    return weights_N * difference * difference
