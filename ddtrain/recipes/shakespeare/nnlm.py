"""shakespeare_nnlm: Bengio's neural language model, predicting the next word of nine plays."""

from __future__ import annotations

from dataclasses import dataclass

from ddtrain import data
from ddtrain.models import Nnlm
from ddtrain.optim import Adam
from ddtrain.optim.schedules import Cosine
from ddtrain.recipes.common import classify, embedded_only, perplexity
from ddtrain.recipes.language import LanguageTask, sentences
from ddtrain.trainer.config import config


@dataclass(frozen=True)
class Model:
    """The network, and the vocabulary it is over."""

    context: int = 4
    """Words before the predicted one."""
    embedding: int = 64
    """Width of a word's vector."""
    hidden: int = 128
    """Width of the hidden layer."""
    direct: bool = False
    """Whether the word vectors also reach the output directly."""
    dropout: float = 0.3
    """Rate on the hidden layer."""
    min_count: int = 5
    """Rarer words of the training text become <unk>."""


@dataclass(frozen=True)
class ShakespeareNnlm(config.Config):
    """Bengio's neural language model: lower perplexity than interpolated bigrams."""

    run: config.Run = config.Run(epochs=6)
    data: config.Data = config.Data(batch_size=256)
    optim: config.Optim = Adam(lr=1e-3)
    schedule: config.Schedule = Cosine(warmup_steps=100)
    model: Model = Model()


def build(settings: ShakespeareNnlm) -> LanguageTask:
    """Model, loss and data of the recipe."""
    embedded_only(settings)
    model = settings.model
    train, held_out, vocabulary = data.corpus(data.plays(), min_count=model.min_count)
    x_valid, y_valid = data.windows(held_out, model.context)
    to_beat = data.Bigram(train, len(vocabulary)).perplexity(x_valid[:, -1], y_valid)
    return LanguageTask(
        model=Nnlm(len(vocabulary), model.context, model.embedding, model.hidden, model.direct, model.dropout),
        loss=classify,
        train=data.ArrayData(*data.windows(train, model.context)),
        valid=data.ArrayData(x_valid, y_valid),
        about=f"nine plays, {len(vocabulary):,} words; to beat: interpolated bigrams with perplexity {to_beat:.1f}",
        derived={"perplexity": perplexity},
        logits=True,
        vocabulary=vocabulary,
        tokenize=data.words,
        join=sentences,
        context=model.context,
        whole=False,
        start=".",
    )
