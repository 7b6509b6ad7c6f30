"""What recipes of language models share: their task, from which text can be generated, and losses of each position."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ddtrain import data, ops
from ddtrain.data.text import IGNORED
from ddtrain.nn import Module
from ddtrain.recipes.common import embedded_only
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.task import Task

ORDER = 5  # of the n-grams that a model of characters has to beat
_AFTER = frozenset(",.;:?!)]")  # marks without a space before them


@dataclass(frozen=True)
class LanguageTask(Task):
    """A task whose model predicts the next token, and what is needed to write with it.

    Parameters
    ----------
    vocabulary : what the model's numbers mean
    tokenize : a text as tokens
    join : tokens as a text
    context : the tokens that the model sees at most, unless it carries
    whole : whether it takes fewer tokens and predicts at every position; else it takes ``context`` tokens and predicts
        after the last
    start : what is before a text without a prompt
    carries : whether the model was trained with a state that goes on, so that it sees all tokens; it then has
        ``read(tokens_NT, state)``, see :class:`ddtrain.models.RecurrentLm`
    """

    vocabulary: data.Vocabulary = field(default_factory=lambda: data.Vocabulary([]))
    tokenize: Callable[[str], list[str]] = data.characters
    join: Callable[[Sequence[str]], str] = "".join
    context: int = 1
    whole: bool = True
    start: str = "\n"
    carries: bool = False

    def next_logits(self, model: Any, tokens: Sequence[int]) -> Any:
        """Scores (V,) of the token after some, by a bound model.

        What the vocabulary lacks stands before a text that is too short for a model of a fixed number of tokens.
        """
        seen = list(tokens)[-self.context :]
        if not self.whole:
            seen = [0] * (self.context - len(seen)) + seen
        logits = model(np.array([seen], np.int64))
        return logits[0, -1] if self.whole else logits[0]

    def go_on(self, model: Any, tokens: Sequence[int], state: Any = None) -> tuple[Any, Any]:
        """Scores (V,) of the token after some, which themselves go on after others, and the state after them.

        Parameters
        ----------
        model : bound
        tokens : at least one
        state : what the call for those before has returned; None: there are none. Of a model that does not carry one,
            it is the tokens that the model still sees
        """
        if self.carries:
            logits_NTV, state = model.read(np.array([tokens], np.int64), state)
            return logits_NTV[0, -1], state
        seen = [*(state or ()), *tokens][-self.context :]
        return self.next_logits(model, seen), seen


def predict_each(model: Any, inputs_NT: Any, targets_NT: Any, *place_N: Any) -> tuple[Any, dict[str, Any]]:
    """Mean cross-entropy and accuracy over each sample's positions whose target is not -1; 0 where there is none.

    The mean over samples is the mean over positions if all samples have as many. Where they stand in
    :class:`ddtrain.data.Streams` is for the model.
    """
    logits_NTV = model(inputs_NT, *place_N)
    kept = targets_NT != IGNORED
    share = kept / np.maximum(kept.sum(axis=1, keepdims=True), 1)
    losses = ops.cross_entropy(logits_NTV, targets_NT, ignore_index=IGNORED)
    right = ops.correct(logits_NTV, np.where(kept, targets_NT, 0))
    return (losses * share.astype(losses.dtype)).sum(axis=1), {"accuracy": (right * share).sum(axis=1)}


def bits(means: Mapping[str, float]) -> float:
    """The mean loss in bits a token.

    >>> bits({"loss": math.log(2)})
    1.0
    """
    return means["loss"] / math.log(2)


def sentences(words: Sequence[str]) -> str:
    """Words and punctuation marks as a text, with the spaces that belong between them.

    >>> sentences(["who's", "there", "?", "--", "it", "is", "i", "."])
    "who's there? -- it is i."
    """
    return "".join(word if word in _AFTER or not k else f" {word}" for k, word in enumerate(words))


def character_task(
    settings: Config, model: Callable[[int], Module], length: int, *, held_out_length: int = 0, carry: bool = False
) -> LanguageTask:
    """The nine plays as characters, in runs of ``length``, for a model that is made for a vocabulary's size.

    Held-out runs, of ``held_out_length`` (0: of ``length``), overlap by half, so that every character that counts has
    at least half a run before it. With ``carry`` a batch's runs go on where those of the batch before have ended, in as
    many streams as a batch has samples.
    """
    embedded_only(settings)
    train, held_out, vocabulary = data.corpus(data.plays(), data.characters, min_count=1)
    to_beat = data.KneserNey(train, len(vocabulary), ORDER).bits(*data.windows(held_out, ORDER - 1))
    judged = held_out_length or length
    return LanguageTask(
        model=model(len(vocabulary)),
        loss=predict_each,
        train=_streams(train, length, settings.data.batch_size) if carry else _runs(train, length),
        valid=_runs(held_out, judged, stride=max(judged // 2, 1)),
        about=f"nine plays, {len(vocabulary)} characters; to beat: 5-grams (Kneser-Ney) with {to_beat:.3f} bits each",
        derived={"bits": bits},
        logits=True,
        show=lambda inputs_NT, targets_NT: ["".join(vocabulary.decode(row.tolist())) for row in inputs_NT],
        vocabulary=vocabulary,
        context=length,
        carries=carry,
    )


def _runs(texts: Sequence[Any], length: int, stride: int = 0) -> data.ArrayData:
    return data.ArrayData(*data.sequences(texts, length, stride))


def _streams(texts: Sequence[Any], length: int, count: int) -> data.Streams:
    """The runs of some texts in streams, which begin anew with each text."""
    runs = [len(_runs([text], length)) for text in texts]
    begins = np.cumsum([0, *runs])[:-1]
    return data.Streams(_runs(texts, length), count, begins[np.array(runs) > 0])
