"""What recipes of language models share: losses of the positions that count, scores of the next token, and figures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ddtrain import data, nn
from ddtrain.recipes.language import LanguageTask, bits, predict_each, sentences

LOGITS = np.log(np.array([[[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], [[0.1, 0.8, 0.1], [0.3, 0.4, 0.3]]]))


def model(inputs: Any) -> Any:
    return LOGITS[: len(inputs)]


def test_each_samples_loss_is_the_mean_over_its_positions() -> None:
    losses, metrics = predict_each(model, np.zeros((2, 2)), np.array([[0, 1], [1, 1]]))
    np.testing.assert_allclose(losses, [-np.log([0.5, 0.2]).mean(), -np.log([0.8, 0.4]).mean()], rtol=1e-12)
    np.testing.assert_array_equal(metrics["accuracy"], [0.5, 1.0])


def test_positions_that_do_not_count_are_left_out() -> None:
    losses, metrics = predict_each(model, np.zeros((2, 2)), np.array([[-1, 2], [-1, -1]]))
    np.testing.assert_allclose(losses, [-np.log(0.6), 0.0], rtol=1e-12)
    np.testing.assert_array_equal(metrics["accuracy"], [1.0, 0.0])


def test_without_samples_there_are_as_many_figures() -> None:
    losses, metrics = predict_each(model, np.zeros((0, 2)), np.zeros((0, 2), int))
    assert losses.shape == metrics["accuracy"].shape == (0,)


def test_bits_are_nats_by_the_logarithm_of_two() -> None:
    assert bits({"loss": 3 * math.log(2)}) == pytest.approx(3.0)


class Echo(nn.Module):
    """Scores that tell what the model was given."""

    def forward(self, tokens_NT: Any) -> Any:
        return np.broadcast_to(tokens_NT[:, :, None].astype(float), (*tokens_NT.shape, 2)) + np.array([0.0, 0.5])


class Fixed(nn.Module):
    def forward(self, tokens_NT: Any) -> Any:
        return tokens_NT.astype(float)


def task(model: nn.Module, whole: bool) -> LanguageTask:
    return LanguageTask(
        model, lambda model, x: None, (np.ones(1),), vocabulary=data.Vocabulary("ab"), context=3, whole=whole
    )


def test_the_next_token_is_that_after_the_last_position() -> None:
    assert task(Echo(), whole=True).next_logits(Echo().bind({}), [7, 8]).tolist() == [8.0, 8.5]


def test_a_model_of_a_fixed_context_sees_as_many_tokens() -> None:
    short = task(Fixed(), whole=False)
    assert short.next_logits(Fixed().bind({}), [1, 2, 3, 4]).tolist() == [2, 3, 4]
    assert short.next_logits(Fixed().bind({}), [4]).tolist() == [0, 0, 4]


def test_marks_stand_where_they_belong() -> None:
    text = "o, that this too solid flesh would melt! what's he? a king; well."
    assert sentences(data.words(text)) == text
    assert sentences([]) == ""
