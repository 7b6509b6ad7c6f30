"""Mixtures: of whom, in which shares, and of their targets alike."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import ops
from ddtrain.data import ArrayData
from ddtrain.data.augment import Augmented, Mixup, augment, parse
from ddtrain.errors import DdtrainError

N, ROWS = 300, np.arange(300)
Y = np.random.default_rng(0).integers(0, 3, N)
X = np.eye(N)  # so that a mixture shows of whom it is


def shares(x):
    """Of each mixture: who the partner is, and the share of the sample itself."""
    own = x[ROWS, ROWS]
    others = x.copy()
    others[ROWS, ROWS] = 0
    return np.where(others.max(1) > 0, others.argmax(1), ROWS), own


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_partners_from_everywhere_and_shares_of_the_beta_distribution(alpha):
    data = Augmented(ArrayData(X, Y), [Mixup(alpha=alpha, classes=3)])
    x, y = data.training_batch(ROWS, seed=1, epoch=2)
    partner, share = shares(x)
    np.testing.assert_allclose(x.sum(1), 1, rtol=1e-14)
    mixed = partner != ROWS
    np.testing.assert_allclose(
        y[mixed], (share[:, None] * np.eye(3)[Y] + (1 - share[:, None]) * np.eye(3)[Y[partner]])[mixed], atol=1e-14
    )
    assert abs(share[mixed].mean() - 0.5) < 4 * np.sqrt(1 / (4 * (2 * alpha + 1)) / N)
    assert abs(share[mixed].var() - 1 / (4 * (2 * alpha + 1))) < 0.03
    assert len(np.unique(partner)) > 0.55 * N  # 1 - 1/e of them, were all shares above 0
    assert abs(partner[mixed].mean() - N / 2) < 4 * N / np.sqrt(12 * N)


def test_a_partner_looks_as_it_does_itself_in_this_epoch():
    x = np.random.default_rng(1).standard_normal((N, 4, 4, 1))
    before = "flip(vertical=0.5),noise,"
    data = Augmented(ArrayData(x, X), before + "mixup(alpha=1)")  # the targets show of whom a mixture is
    alone = Augmented(ArrayData(x, X), before[:-1]).training_batch(ROWS, seed=1, epoch=2)[0]
    mixed, targets = data.training_batch(ROWS, seed=1, epoch=2)
    np.testing.assert_allclose(mixed, np.einsum("nm,mhwc->nhwc", targets, alone), atol=1e-12)


def test_what_comes_after_is_of_the_mixture():
    x = np.random.default_rng(1).standard_normal((N, 4, 4, 1))
    whole = Augmented(ArrayData(x, X), "mixup(alpha=1),noise").training_batch(ROWS, seed=1, epoch=2)[0]
    mixed = Augmented(ArrayData(x, X), "mixup(alpha=1)").training_batch(ROWS, seed=1, epoch=2)
    np.testing.assert_array_equal(whole, augment(mixed, ROWS, 2, 1, parse("noise"))[0])


def test_what_is_soft_already_and_the_loss_that_takes_it():
    x = X.astype(np.float32)
    labels = Augmented(ArrayData(x, Y), "mixup(alpha=1,classes=3)").training_batch(ROWS, seed=1, epoch=2)
    one_hot = np.eye(3, dtype=np.float32)[Y]
    soft = Augmented(ArrayData(x, one_hot), "mixup(alpha=1)").training_batch(ROWS, seed=1, epoch=2)
    np.testing.assert_array_equal(labels[1], soft[1])
    assert labels[1].dtype == np.float32
    scores = x[:, :3]
    share = shares(labels[0])[1]
    assert ops.cross_entropy(scores, labels[1]).shape == ops.correct(scores, labels[1]).shape == share.shape


def test_numbers_are_mixed_as_they_are():
    x, y = Augmented(ArrayData(X, ROWS.astype(float)), "mixup(alpha=1)").training_batch(ROWS, seed=1, epoch=2)
    np.testing.assert_allclose(y, x @ ROWS, rtol=1e-12)


def test_twice_is_of_three_or_four():
    x = Augmented(ArrayData(X, X), "mixup(alpha=4),mixup(alpha=4)").training_batch(ROWS, seed=1, epoch=2)[0]
    assert np.bincount((x > 0).sum(1)).argmax() == 4


WRONG = {
    "augment: mixup needs a data set to draw partners from": lambda: augment((X, Y), ROWS, 0, 0, [Mixup(classes=3)]),
    "augment: mixup makes soft targets of labels, and was not told of how many classes": lambda: Augmented(
        ArrayData(X, Y), "mixup"
    ).training_batch(ROWS, seed=0, epoch=0),
    "augment: mixup's label 2 is outside [0, 2)": lambda: Augmented(
        ArrayData(X[:3], np.array([0, 1, 2])), "mixup(classes=2)"
    ).training_batch(np.arange(3), seed=0, epoch=0),
    "augment: mixup mixes inputs and targets, and was given 1 arrays": lambda: Augmented(
        ArrayData(X), "mixup"
    ).training_batch(ROWS, seed=0, epoch=0),
    "augment: mixup computes with real numbers, not with int64": lambda: Augmented(
        ArrayData(ROWS[:, None], Y), "mixup"
    ).training_batch(ROWS, seed=0, epoch=0),
}


@pytest.mark.parametrize("message", WRONG)
def test_message(message):
    with pytest.raises(DdtrainError) as error:
        WRONG[message]()
    assert error.value.message == message
    assert error.value.remedy
