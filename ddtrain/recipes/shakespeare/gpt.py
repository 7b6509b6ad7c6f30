"""shakespeare_gpt: a decoder-only transformer that predicts the next character of nine plays."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain.models import Gpt
from ddtrain.optim import AdamW
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes.language import LanguageTask, character_task
from ddtrain.trainer.config import config


@dataclass(frozen=True)
class Model:
    """The network, and the runs of characters it is trained on."""

    length: int = 64
    """Characters in a run, the most that the model sees at once."""
    width: int = 128
    """Width of the transformer."""
    layers: int = 2
    """Blocks of attention and perceptron."""
    heads: int = 4
    """Attentions side by side; they divide the width."""
    dropout: float = 0.0
    """Rate on what each block adds."""


@dataclass(frozen=True)
class ShakespeareGpt(config.Config):
    """A small GPT over characters."""

    run: config.Run = config.Run(epochs=6)
    data: config.Data = config.Data(batch_size=16)
    optim: config.Optim = AdamW(lr=3e-3, beta2=0.99)
    schedule: config.Schedule = Cosine(warmup_steps=100)
    clip: config.Clip = config.Clip(norm=1.0)
    model: Model = Model()


def build(settings: ShakespeareGpt) -> LanguageTask:
    """Model, loss and data of the recipe."""
    model = settings.model
    options = model.length, model.width, model.layers, model.heads, model.dropout
    return character_task(settings, lambda vocabulary: Gpt(vocabulary, *options), model.length)
