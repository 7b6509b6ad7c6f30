"""shakespeare_masked: a transformer encoder that fills gaps in nine plays, seeing the words on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain import data, ops
from ddtrain.data.text import IGNORED
from ddtrain.models import MaskedLm
from ddtrain.optim import AdamW
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes.common import embedded_only, perplexity
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network, and the runs of words it is trained on."""

    length: int = 32
    """Words in a run."""
    rate: float = 0.15
    """Share of the words that are to be found."""
    width: int = 64
    """Width of the transformer."""
    layers: int = 2
    """Blocks of attention and perceptron."""
    heads: int = 4
    """Attentions side by side; they divide the width."""
    dropout: float = 0.1
    """Rate on embeddings and on what each block adds."""
    min_count: int = 5
    """Rarer words of the training text become <unk>."""


@dataclass(frozen=True)
class ShakespeareMasked(config.Config):
    """Masked words, as BERT is trained."""

    run: config.Run = config.Run(epochs=10)
    data: config.Data = config.Data(batch_size=32)
    optim: config.Optim = AdamW(lr=3e-3)
    schedule: config.Schedule = Cosine(warmup_steps=200)
    clip: config.Clip = config.Clip(norm=1.0)
    model: Model = Model()


def build(settings: ShakespeareMasked) -> Task:
    """Model, loss and data of the recipe."""
    embedded_only(settings)
    model = settings.model
    train, held_out, vocabulary = data.corpus(data.plays(), min_count=model.min_count)
    mask = len(vocabulary)  # one more token: a gap
    runs = [data.sequences(texts, model.length)[0] for texts in (train, held_out)]
    train_set, valid_set = (data.MaskedTokens(tokens, len(vocabulary), mask, model.rate) for tokens in runs)
    return Task(
        model=MaskedLm(mask + 1, model.length, model.width, model.layers, model.heads, model.dropout),
        loss=fill_gaps,
        train=train_set,
        valid=valid_set,
        about=f"nine plays, {len(vocabulary):,} words, {train_set.gaps} of {model.length} to be found",
        derived={"perplexity": perplexity},
        logits=True,
    )


def fill_gaps(model: Any, inputs_NT: Any, targets_NT: Any) -> tuple[Any, dict[str, Any]]:
    """Mean cross-entropy and accuracy over the gaps of each sample, of which all have as many."""
    samples, gaps = np.nonzero(targets_NT != IGNORED)
    count = len(samples) // max(len(targets_NT), 1)
    at_NM = gaps.reshape(len(targets_NT), count)
    logits_NMV, words_NM = model(inputs_NT, at_NM), np.take_along_axis(targets_NT, at_NM, axis=1)
    losses_NM, right_NM = ops.cross_entropy(logits_NMV, words_NM), ops.correct(logits_NMV, words_NM)
    each = 1.0 / max(count, 1)  # a shard without samples has no gaps
    return losses_NM.sum(axis=1) * each, {"accuracy": right_NM.sum(axis=1) * each}
