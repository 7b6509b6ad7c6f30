"""Flips, crops, cutouts and maps of the plane, image by image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from ddtrain.data.augment import Augment, Crop, Cutout, Draws, Flip, Rotate, Scale, Translate
from ddtrain.data.augment.resample import resample

N = 400
R = np.random.default_rng(0)


@dataclass(frozen=True)
class Chosen(Draws):
    """Draws that a test chooses."""

    numbers: tuple[float, ...] = ()

    def uniform(self, count):
        return np.broadcast_to(self.numbers, (len(self.indices), count))


def draws():
    return Draws(0, "test", 0, np.arange(N))


def chosen(*numbers, n=1):
    return Chosen(0, "test", 0, np.arange(n), numbers=numbers)


def test_flips_turn_whole_images():
    x = R.standard_normal((N, 3, 4, 2))
    y = Flip(horizontal=0.25, vertical=0.75).images(x, draws())
    kinds = {(False, False): x, (True, False): x[:, :, ::-1], (False, True): x[:, ::-1], (True, True): x[:, ::-1, ::-1]}
    which = [next(k for k, z in kinds.items() if (y[i] == z[i]).all()) for i in range(N)]
    across, down = np.mean(which, axis=0)
    assert abs(across - 0.25) < 0.09  # four standard errors
    assert abs(down - 0.75) < 0.09
    assert abs(np.corrcoef(np.transpose(which))[0, 1]) < 0.2
    for never, always in (((0, 0), x), ((1, 1), x[:, ::-1, ::-1])):
        flip = Flip(horizontal=never[0], vertical=never[1])
        np.testing.assert_array_equal(flip.images(x, draws()), always)


def test_crops_are_all_windows_of_the_bordered_image():
    x = R.standard_normal((1, 3, 4, 2)).repeat(N, 0)
    bordered = np.pad(x[0], ((1, 1), (1, 1), (0, 0)), constant_values=9.0)
    windows = [bordered[i : i + 3, j : j + 4] for i in range(3) for j in range(3)]
    y = Crop(padding=1, fill=9.0).images(x, draws())
    counts = [sum((image == window).all() for image in y) for window in windows]
    assert sum(counts) == N
    assert min(counts) > N / 9 - 4 * np.sqrt(N / 9)
    np.testing.assert_array_equal(Crop(padding=0).images(x, draws()), x)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 20])
def test_cutouts_are_squares_cut_at_the_edges(size):
    x = np.ones((N, 6, 8, 1), np.float32)
    y = Cutout(size=size, fill=-2.0).images(x, draws())
    assert set(np.unique(y)) <= {-2.0, 1.0}
    for image in y[:, :, :, 0]:
        rows, columns = np.nonzero((image == -2).any(1))[0], np.nonzero((image == -2).any(0))[0]
        assert (image == -2).sum() == len(rows) * len(columns)  # a rectangle
        for lines, length in ((rows, 6), (columns, 8)):
            if size:
                assert lines[-1] - lines[0] + 1 == len(lines) <= size
                assert len(lines) == size or lines[0] == 0 or lines[-1] == length - 1
    if size:
        assert (y == -2).any(0).all()  # every pixel of some image
    first = np.ones((1, 6, 8, 1))
    assert np.argwhere(Cutout(size=3).images(first, chosen(0.5, 0.5))[0, :, :, 0] == 0).tolist() == [
        [i, j] for i in (2, 3, 4) for j in (3, 4, 5)
    ]


def test_no_map_is_the_image_itself():
    x = R.standard_normal((3, 5, 4, 2)).astype(np.float32)
    eye, zero = np.broadcast_to(np.eye(2), (3, 2, 2)), np.zeros((3, 2))
    np.testing.assert_array_equal(resample(x, eye, zero, np.pi), x)
    for stage in (Rotate(degrees=0.0), Scale(low=1.0, high=1.0), Translate(height=0.0, width=0.0)):
        np.testing.assert_array_equal(stage.images(x, Draws(0, "test", 0, np.arange(3))), x)


def test_turns_by_right_angles_are_numpys():
    x = R.standard_normal((1, 5, 5, 2))
    for number, times in ((0.0, -1), (0.5, 0), (1.0, 1)):  # -90, 0 and 90 degrees against the clock
        y = Rotate(degrees=90.0).images(x, chosen(number))
        np.testing.assert_allclose(y, np.rot90(x, times, axes=(1, 2)), atol=1e-14)
    np.testing.assert_allclose(Rotate(degrees=180.0).images(x, chosen(1.0)), x[:, ::-1, ::-1], atol=1e-14)


def test_thirty_degrees_and_a_smaller_image_are_pytorchs():
    x = np.arange(1.0, 17.0).reshape(1, 4, 4, 1)
    turned = [  # affine_grid and grid_sample of PyTorch 2.13
        0.8798094716167101, 2.678847577293368, 5.486860279185587, 3.5192378864668403,
        2.7189110867544652, 5.5849364905389045, 8.450961894323342, 10.715390309173472,
        5.450961894323342, 8.549038105676658, 11.415063509461095, 14.281088913245533,
        4.147114317029974, 11.513139720814412, 13.487504626203446, 6.786542731880104,
    ]  # fmt: skip
    smaller = [
        0.25, 0.9166666666666667, 1.5833333333333333, 1.0, 2.166666666666667, 5.166666666666667, 6.5, 3.666666666666667,
        4.833333333333333, 10.5, 11.833333333333332, 6.333333333333333, 3.25, 6.916666666666667, 7.583333333333333, 4.0,
    ]  # fmt: skip
    np.testing.assert_allclose(Rotate(degrees=30.0).images(x, chosen(1.0)).ravel(), turned, rtol=1e-13)
    np.testing.assert_allclose(Scale(low=0.75, high=0.75).images(x, chosen(0.0)).ravel(), smaller, rtol=1e-13)
    turned_32 = Rotate(degrees=30.0).images(x.astype(np.float32), chosen(1.0))
    assert turned_32.dtype == np.float32
    np.testing.assert_allclose(turned_32.ravel(), turned, rtol=1e-6)


def test_moves_by_whole_pixels():
    x = R.standard_normal((1, 10, 5, 1)).repeat(N, 0)
    y = Translate(height=0.2, width=0.2, fill=7.0).images(x, draws())
    seen = set()
    bordered = np.pad(x[0], ((2, 2), (1, 1), (0, 0)), constant_values=7.0)
    for image in y:
        found = [(i - 2, j - 1) for i in range(5) for j in range(3) if (image == bordered[i : i + 10, j : j + 5]).all()]
        assert len(found) == 1
        seen.add(found[0])
    assert seen == {(i, j) for i in range(-2, 3) for j in range(-1, 2)}


def test_far_outside_all_is_fill():
    x = R.standard_normal((2, 3, 3, 1))
    for shift in (1e9, -1e9, 3.0, -3.0):
        y = resample(x, np.broadcast_to(np.eye(2), (2, 2, 2)), np.full((2, 2), shift), 5.0)
        np.testing.assert_array_equal(y, np.full_like(x, 5.0))


def test_parts_by_name():
    assert Augment(name="rotate", degrees=3.0) == Rotate(degrees=3.0)
