"""What recipes share: a loss with its accuracy, perplexity, and an option that none of them reads."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ddtrain.errors import UsageError
from ddtrain.recipes.common import classify, embedded_only, perplexity
from ddtrain.trainer.config.config import Config, Data

LOGITS = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_a_classifier_is_judged_by_its_likeliest_class() -> None:
    losses, metrics = classify(lambda x: LOGITS[: len(x)], np.zeros((2, 1)), np.array([0, 1]))
    np.testing.assert_allclose(losses, [math.log(1 + 2 * math.exp(-2)), math.log(2 + math.e)], rtol=1e-12)
    np.testing.assert_array_equal(metrics["accuracy"], [1, 0])


def test_without_samples_there_are_as_many_figures() -> None:
    losses, metrics = classify(lambda x: LOGITS[: len(x)], np.zeros((0, 1)), np.zeros(0, int))
    assert losses.shape == metrics["accuracy"].shape == (0,)


def test_perplexity_is_the_number_of_equally_likely_words() -> None:
    assert perplexity({"loss": math.log(50), "accuracy": 0.5}) == pytest.approx(50, rel=1e-14)
    assert perplexity({"loss": 710.0}) == math.inf
    assert math.isnan(perplexity({"loss": math.nan}))


def test_an_option_that_nobody_reads_is_refused() -> None:
    embedded_only(Config())
    with pytest.raises(UsageError) as caught:
        embedded_only(Config(data=Data(root="/data")))
    assert (
        caught.value.one_line == "--data.root is not read by this recipe, whose data is in the package: Leave it out."
    )
