"""Dropout of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import ShapeError, UsageError
from ddtrain.rng import SampleRng


def test_spatial_dropout_drops_channels_and_keeps_the_others_scale() -> None:
    layer, x = nn.SpatialDropout(0.3), np.ones((40, 5, 6, 50))
    y = layer.bind({}, training=True, rng=SampleRng(0, 0))(x)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1], y.shape))
    assert {*np.unique(y)} == {0.0, np.float64(1 / 0.7)}
    assert abs(np.mean(y == 0) - 0.3) < 0.06  # 2,000 channels: six standard deviations
    assert layer.bind({})(x) is x
    sequences = layer.bind({}, training=True, rng=SampleRng(0, 0))(np.ones((40, 5, 50), np.float32))
    assert sequences.dtype == np.float32
    np.testing.assert_array_equal(sequences[:, 0] == 0, y[:, 0, 0] == 0)


def test_masks_of_spatial_dropout_do_not_depend_on_the_division() -> None:
    def masks(first: int, rows: int) -> Any:
        return nn.SpatialDropout(0.5).bind({}, training=True, rng=SampleRng(0, 0, first))(np.ones((rows, 3, 9)))

    np.testing.assert_array_equal(np.concatenate([masks(0, 4), masks(4, 5)]), masks(0, 9))
    assert masks(0, 0).shape == (0, 3, 9)


def test_bad_arguments() -> None:
    with pytest.raises(UsageError, match=r"SpatialDropout: rate 1 is not in \[0, 1\)"):
        nn.SpatialDropout(1)
    with pytest.raises(ShapeError, match=r"SpatialDropout: x has shape \(4, 3\), not \(N, \.\.\., C\) with"):
        nn.SpatialDropout().bind({}, training=True, rng=SampleRng(0, 0))(np.ones((4, 3)))
