"""Filling gaps: the loss is that of the gaps alone, and scores are asked for there alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.recipes.shakespeare.masked import Model, ShakespeareMasked, build, fill_gaps


def test_the_loss_is_the_mean_over_the_gaps() -> None:
    task = build(replace(ShakespeareMasked(), model=Model(width=8, layers=1, heads=2)))
    inputs, targets = task.train.batch(np.arange(4))
    model = task.model.bind(task.model.init(0, np.float64))
    losses, metrics = fill_gaps(model, inputs, targets)
    logits = model(inputs)
    for row in range(4):
        at = np.flatnonzero(targets[row] != -1)
        assert losses[row] == pytest.approx(ops.cross_entropy(logits[row, at], targets[row, at]).mean(), rel=1e-10)
        assert metrics["accuracy"][row] == ops.correct(logits[row, at], targets[row, at]).mean()


def test_without_samples_there_are_as_many_figures() -> None:
    task = build(replace(ShakespeareMasked(), model=Model(width=8, layers=1, heads=2)))
    with np.errstate(all="raise"):
        losses, metrics = fill_gaps(task.model.bind(task.model.init(0)), *task.train.batch(np.arange(0)))
    assert losses.shape == metrics["accuracy"].shape == (0,)


def test_the_gap_is_a_token_that_no_word_has() -> None:
    task = build(ShakespeareMasked())
    inputs, targets = task.train.batch(np.arange(len(task.train)))
    words = int(targets.max()) + 1
    assert task.model.declarations()["tokens.weight"].shape[0] == inputs.max() + 1 > words
    assert (inputs == inputs.max()).sum(axis=1).max() <= 5, "of 32 words"
