"""shakespeare_char: a recurrent network that predicts the next character of nine plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ddtrain.models import RecurrentLm
from ddtrain.optim import Adam
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes.language import LanguageTask, character_task
from ddtrain.trainer.config import config


@dataclass(frozen=True)
class Model:
    """The network, and the runs of characters it is trained on."""

    cell: Literal["rnn", "lstm", "gru"] = "gru"
    """The recurrent layer."""
    hidden: int = 256
    """Hidden units of each layer."""
    layers: int = 1
    """Recurrent layers, one over the other."""
    embedding: int = 32
    """Width of a character's vector."""
    dropout: float = 0.0
    """Rate on vectors, between layers, and before the output."""
    length: int = 64
    """Characters in a run."""
    truncate: int = 64
    """Characters that derivatives go back through at most; the state goes on."""
    carry: bool = False
    """Begin each run with the state after the one before it in the text (empty otherwise)."""
    held_out_length: int = 0
    """Characters in a held-out run, of which the second half counts; 0: as in one of training."""


@dataclass(frozen=True)
class ShakespeareChar(config.Config):
    """A recurrent network over characters, with fewer bits each than 5-grams."""

    run: config.Run = config.Run(epochs=6)
    data: config.Data = config.Data(batch_size=32)
    optim: config.Optim = Adam(lr=5e-3)
    schedule: config.Schedule = Cosine(warmup_steps=100)
    clip: config.Clip = config.Clip(norm=1.0)
    model: Model = Model()


def build(settings: ShakespeareChar) -> LanguageTask:
    """Model, loss and data of the recipe."""
    model = settings.model
    options = model.embedding, model.hidden, model.layers, model.cell, model.dropout, model.truncate
    streams = settings.data.batch_size if model.carry else 0
    return character_task(
        settings,
        lambda vocabulary: RecurrentLm(vocabulary, *options, streams),
        model.length,
        held_out_length=model.held_out_length,
        carry=model.carry,
    )
