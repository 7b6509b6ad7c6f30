"""Gaps: as many in every run, eight in ten masked, the same on any number of ranks, others in every epoch."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.data import MaskedTokens
from ddtrain.errors import UsageError

TOKENS = np.random.default_rng(0).integers(0, 50, (400, 20))


def masked(rate: float = 0.15) -> MaskedTokens:
    return MaskedTokens(TOKENS, vocabulary=50, mask=50, rate=rate)


@pytest.mark.parametrize(("rate", "gaps"), [(0.15, 3), (0.001, 1), (1.0, 20)])
def test_every_run_has_as_many_and_their_targets_are_the_tokens(rate: float, gaps: int) -> None:
    inputs, targets = masked(rate).batch(np.arange(400))
    to_find = targets != -1
    assert (to_find.sum(axis=1) == gaps).all()
    np.testing.assert_array_equal(targets[to_find], TOKENS[to_find])
    np.testing.assert_array_equal(inputs[~to_find], TOKENS[~to_find])


def test_eight_in_ten_are_masked_and_one_in_ten_is_another_token() -> None:
    inputs, targets = masked(1.0).batch(np.arange(400))
    assert (inputs == 50).mean() == pytest.approx(0.8, abs=0.02)
    assert (inputs == targets).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.015)
    assert inputs.max() == 50


def test_a_sample_is_the_same_in_any_batch() -> None:
    whole = masked().training_batch(np.arange(10), seed=3, epoch=2)
    part = masked().training_batch(np.array([7, 2]), seed=3, epoch=2)
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_array_equal(a[[7, 2]], b)


def test_gaps_are_elsewhere_in_every_epoch_and_for_every_seed() -> None:
    rows = np.arange(10)
    seen = [masked().training_batch(rows, seed=seed, epoch=epoch)[1] for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert all((a != b).any() for a, b in ((seen[0], seen[1]), (seen[0], seen[2])))
    np.testing.assert_array_equal(masked().batch(rows)[1], masked().batch(rows)[1])


def test_the_tokens_stay_as_they_are() -> None:
    before = TOKENS.copy()
    masked(1.0).batch(np.arange(400))
    np.testing.assert_array_equal(TOKENS, before)


def test_no_samples() -> None:
    assert [x.shape for x in masked().batch(np.arange(0))] == [(0, 20), (0, 20)]


def test_its_fingerprint_knows_tokens_and_gaps() -> None:
    other = TOKENS.copy()
    other[0, 0] += 1
    prints = [masked().fingerprint(), masked(0.5).fingerprint(), MaskedTokens(other, 50, 50).fingerprint()]
    assert len(set(prints)) == 3
    assert masked().fingerprint() == prints[0]


@pytest.mark.parametrize("rate", [0.0, 1.5])
def test_a_rate_out_of_range_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match=rf"MaskedTokens: rate {rate} is not in \(0, 1\]"):
        masked(rate)
