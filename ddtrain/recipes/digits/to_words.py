"""digits_to_words: an encoder-decoder transformer that spells numbers, such as 317: three hundred and seventeen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain import data, ops, rng
from ddtrain.data.language.numerals import WORDS
from ddtrain.data.text import IGNORED
from ddtrain.models import Translator
from ddtrain.optim import Adam
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes.common import embedded_only
from ddtrain.recipes.language import predict_each
from ddtrain.trainer.config import config
from ddtrain.trainer.task import Task


@dataclass(frozen=True)
class Model:
    """The network, and the numbers it is trained on."""

    most: int = 99_999
    """The largest number."""
    samples: int = 8192
    """Different numbers to train on; an eighth as many others are held out."""
    width: int = 64
    """Width of the transformer."""
    layers: int = 2
    """Blocks of the encoder, and of the decoder."""
    heads: int = 4
    """Attentions side by side; they divide the width."""
    dropout: float = 0.0
    """Rate on what each part adds."""


@dataclass(frozen=True)
class DigitsToWords(config.Config):
    """Sequence to sequence; valid_whole is the share of numbers that are spelt without a mistake."""

    run: config.Run = config.Run(epochs=10)
    data: config.Data = config.Data(batch_size=64)
    optim: config.Optim = Adam(lr=2e-3)
    schedule: config.Schedule = Cosine(warmup_steps=100)
    clip: config.Clip = config.Clip(norm=1.0)
    model: Model = Model()


def build(settings: DigitsToWords) -> Task:
    """Model, loss and data of the recipe."""
    embedded_only(settings)
    model = settings.model
    count = min(model.samples * 9 // 8, model.most + 1)
    numbers = rng.stream(0, "numerals").choice(model.most + 1, count, replace=False)
    digits, words, targets = data.numerals(numbers)
    train = count * 8 // 9
    return Task(
        model=Translator(11, len(WORDS), model.width, model.layers, model.heads, model.dropout),
        loss=spelling,
        train=data.ArrayData(digits[:train], words[:train], targets[:train]),
        valid=data.ArrayData(digits[train:], words[train:], targets[train:]),
        about=f"numbers up to {model.most:,} in digits and in words: {train:,} + {count - train:,}",
        logits=True,
    )


def spelling(model: Any, digits_NS: Any, words_NT: Any, targets_NT: Any) -> tuple[Any, dict[str, Any]]:
    """Mean cross-entropy of each number's words, and whether all are right.

    Each word is predicted from the right ones before it. Where all are right, so is what the model says by itself.
    """
    logits_NTV = model(digits_NS, words_NT)
    losses, metrics = predict_each(lambda _: logits_NTV, words_NT, targets_NT)
    kept = targets_NT != IGNORED
    right = ops.correct(logits_NTV, np.where(kept, targets_NT, 0))
    return losses, {**metrics, "whole": np.where(kept, right, 1).min(axis=1)}
