"""What holds for all augmentations: ranks, shards and batches change no bit; epochs, seeds and samples do.

What would make these fail: a number drawn for the batch and not for the sample, or by the place in the batch; a mean
whose order of summation depends on how many images there are; writing into the arrays that came in.
"""

from __future__ import annotations

import numpy as np
import pytest
from part_examples import AUGMENTATIONS as TEXTS

from ddtrain.data import ArrayData, batches, shard
from ddtrain.data.augment import AUGMENTATIONS, Augment, Augmented, augment, parse
from ddtrain.errors import ShapeError, UsageError

R = np.random.default_rng(0)
X, Y = R.standard_normal((23, 7, 5, 3)), R.integers(0, 4, 23)
ALL = ",".join(TEXTS.values())
every_text = pytest.mark.parametrize("text", [*TEXTS.values(), ALL], ids=[*TEXTS, "all"])


def made(text, dtype=np.float32):
    return Augmented(ArrayData(X.astype(dtype), Y), text)


def same(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def test_the_texts_cover_the_table():
    assert set(TEXTS) == set(AUGMENTATIONS)
    for name, text in TEXTS.items():
        assert [stage.name for stage in parse(text)] == [name]


@every_text
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_ranks_change_no_bit(text, dtype, size):
    data = made(text, dtype)
    for batch in batches(0, 5, len(data), 9):
        whole = data.training_batch(batch, seed=7, epoch=5)
        shares = [data.training_batch(shard(batch, rank, size), seed=7, epoch=5) for rank in range(size)]
        same(whole, [np.concatenate(arrays) for arrays in zip(*shares)])


@every_text
def test_a_sample_alone_or_in_another_order_is_the_same(text):
    data, rows = made(text), np.array([4, 22, 0, 9, 4])
    whole = data.training_batch(rows, seed=7, epoch=5)
    same(whole, [a[::-1] for a in data.training_batch(rows[::-1], seed=7, epoch=5)])
    for k in range(len(rows)):
        same([a[k : k + 1] for a in whole], data.training_batch(rows[k : k + 1], seed=7, epoch=5))


@every_text
def test_epoch_seed_and_sample_decide(text):
    twins = Augmented(ArrayData(np.repeat(X[:1], 23, 0), Y), text)
    rows = np.arange(23)
    first = twins.training_batch(rows, seed=7, epoch=5)[0]
    for other in (
        twins.training_batch(rows, seed=8, epoch=5)[0],
        twins.training_batch(rows, seed=7, epoch=6)[0],
        twins.training_batch(rows[::-1], seed=7, epoch=5)[0],
    ):
        if "mixup" not in text or text == ALL:  # twins mixed with twins are twins
            assert (first != other).any()


@every_text
def test_what_came_in_stays_and_what_goes_out_is_new(text):
    x, y, rows = X.copy(), Y.copy(), np.arange(23)
    x_out, y_out = augment((x, y), rows, 0, 0, parse(text), ArrayData(X, Y))
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    assert not np.shares_memory(x_out, x)
    assert x_out.shape == X.shape
    assert x_out.dtype == X.dtype
    assert (x_out != X).any()
    assert y_out.shape == ((23, 4) if "mixup" in text else (23,))


@every_text
def test_no_samples_and_arrays_that_are_not_contiguous(text):
    data = made(text)
    x, y = data.training_batch(np.array([], np.int64), seed=0, epoch=0)
    assert x.shape == (0, 7, 5, 3)
    assert x.dtype == np.float32
    assert y.shape == ((0, 4) if "mixup" in text else (0,))
    rows = np.arange(23)
    plain = augment((X, Y), rows, 3, 0, parse(text), ArrayData(X, Y))
    for strided in (np.asfortranarray(X), np.repeat(X, 2, axis=2)[:, :, ::2]):
        same(plain, augment((strided, Y), rows, 3, 0, parse(text), ArrayData(X, Y)))


@every_text
def test_evaluations_see_the_samples_as_they_are(text):
    data, rows = made(text), np.array([3, 1])
    same(data.batch(rows), ArrayData(X.astype(np.float32), Y).batch(rows))
    assert len(data) == 23


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_what_is_no_batch_of_images_is_refused(name):
    stages = parse(TEXTS[name])
    whole = ArrayData(X.astype(np.uint8), Y)
    if name in ("flip", "crop", "cutout"):
        if name == "crop":
            stages = [Augment(name="crop", padding=2)]  # bytes have no -1
        assert augment(whole.batch(np.arange(3)), np.arange(3), 0, 0, stages)[0].dtype == np.uint8
    else:
        with pytest.raises(ShapeError) as error:
            augment(whole.batch(np.arange(3)), np.arange(3), 0, 0, stages, whole)
        assert error.value.message == f"augment: {name} computes with real numbers, not with uint8"
    if name in ("noise", "brightness", "contrast"):
        rows = np.arange(4), 0, 0, stages
        x = R.standard_normal((4, 35))
        as_images = augment((x.reshape(4, 7, 5, 1),), *rows)[0]
        np.testing.assert_array_equal(augment((x,), *rows)[0], as_images.reshape(4, 35))
        assert augment((x[:0, :0],), rows[0][:0], 0, 0, stages)[0].shape == (0, 0)
    elif name != "mixup":
        with pytest.raises(ShapeError) as error:
            augment((np.zeros((4, 35)),), np.arange(4), 0, 0, stages)
        assert error.value.message == f"augment: {name} takes images (N, H, W, C), not an array of shape (4, 35)"


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_ranges_name_the_option(name):
    options = set(Augment(name=name).options()) - {"name", "fill"}
    for option in options:
        with pytest.raises(UsageError, match=rf"{name}\({option}=-1.*\) is out of range"):
            parse(f"{name}({option}=-1)")
