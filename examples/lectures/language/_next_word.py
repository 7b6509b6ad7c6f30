"""Who predicts the next word of the plays: a neural language model and n-grams, of the same words and texts."""

# N words predicted, T context words, V vocabulary, E width of vectors

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

import ddtrain
from ddtrain import data, ops
from ddtrain.data.text import Ids, split_tail
from ddtrain.models import Nnlm
from ddtrain.optim import Adam
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes.common import classify
from examples.lectures.claims import Size
from examples.lectures.training import fitted
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
CONTEXT = 4
NGRAMS = ((data.Interpolated, 2), (data.Interpolated, 3), (data.Interpolated, 4), (data.KneserNey, 3))
RATES = rates(1e-3, 5e-2, 4)
EPOCHS = {1 / 64: 12, 1 / 8: 5, 1: 2}  # by the share of the text


@dataclass(frozen=True)
class Texts:
    """What trains, what chooses, and what judges, with one vocabulary."""

    train: list[Ids]
    valid: tuple[Ids, Ids]
    test: tuple[Ids, Ids]
    vocabulary: data.Vocabulary


@cache
def texts(share: float, small: bool) -> Texts:
    """Of all plays, or one of them, with this share of the text that trains."""
    plays = list(data.plays().items())
    train, rest, vocabulary = data.corpus(dict(plays[:1] if small else plays), min_count=50, held_out=0.125)
    valid, test = zip(*(split_tail(text, 0.8) for text in rest))
    part = [text[: round(len(text) * share)] for text in train]
    return Texts(part, data.windows(valid, CONTEXT), data.windows(test, CONTEXT), vocabulary)


def trained(told: Texts, lr: float, epochs: int, seed: int) -> tuple[Any, float]:
    """The network at its best epoch, and its loss on the held-out text then."""
    model = Nnlm(len(told.vocabulary), CONTEXT, embedding=32, hidden=64)
    task = ddtrain.Task(model, classify, train=data.windows(told.train, CONTEXT), valid=told.valid)
    schedule = Cosine(warmup_steps=20)
    run = fitted(task, epochs=epochs, optim=Adam(lr=lr), schedule=schedule, batch_size=256, seed=seed)
    return (None, np.inf) if run is None else (run.load(model), float(run.history["valid_loss"].min()))


@dataclass(frozen=True)
class Compared:
    """What the best of both kinds give the words of the test text, (N,), and perplexities."""

    told: Texts
    ngram: str
    bigram: float
    by_ngram: Array
    networks: list[Any]  # by seed

    @property
    def words(self) -> int:
        return sum(map(len, self.told.train))

    @property
    def best_ngram(self) -> float:
        return perplexity(self.by_ngram)

    @cached_property
    def by_network(self) -> list[Array]:
        contexts_NT, words_N = self.told.test
        return [np.exp(-np.asarray(ops.cross_entropy(model(contexts_NT), words_N))) for model in self.networks]

    @property
    def network(self) -> list[float]:
        return [perplexity(p_N) for p_N in self.by_network]

    @property
    def mixture(self) -> list[float]:
        """Of the mean of both sides' probabilities."""
        return [perplexity((p_N + self.by_ngram) / 2) for p_N in self.by_network]


def perplexity(p_N: Array) -> float:
    return float(np.exp(-np.log(p_N).mean()))


def compare(share: float, size: Size) -> Compared:
    """Both sides' best of four settings, and the network then trained with each seed."""
    told, epochs = texts(share, size.small), size(EPOCHS[share], small=10)
    models = {(kind, n): kind(told.train, len(told.vocabulary), n) for kind, n in NGRAMS}
    kind, n = tune(lambda setting, seed: models[setting].cross_entropy(*told.valid), NGRAMS, seeds=[0]).setting
    lr = tune(
        lambda lr, seed: trained(told, lr, epochs, seed)[1], RATES[size(0, small=2) : size(4, small=3)], seeds=[100]
    ).setting
    name = f"{n}-grams, {'interpolated' if kind is data.Interpolated else 'Kneser-Ney'}"
    bigram = models[data.Interpolated, 2].perplexity(*told.test)
    networks = [trained(told, lr, epochs, seed)[0] for seed in size.seeds]
    return Compared(told, name, bigram, models[kind, n].probability(*told.test), networks)
