"""The encoder: both sides are seen, padding is not, order matters, and the output layer is the embedding."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import models
from ddtrain.errors import ShapeError
from ddtrain.models.text.masked_lm import EncoderBlock

TOKENS = np.arange(12).reshape(2, 6) % 11


def encoder() -> models.MaskedLm:
    return models.MaskedLm(11, positions=6, d=8, layers=2, heads=2)


@pytest.mark.parametrize("place", [0, 5])
def test_a_token_changes_predictions_on_both_sides(place: int) -> None:
    model, changed = encoder(), TOKENS.copy()
    bound = model.bind(model.init(0, np.float64))
    changed[:, place] = (changed[:, place] + 1) % 11
    assert (np.abs(bound(TOKENS) - bound(changed)) > 0).any(axis=-1).all()


def test_order_matters() -> None:
    model = encoder()
    bound = model.bind(model.init(0, np.float64))
    turned = bound(TOKENS[:, ::-1].copy())[:, ::-1]
    assert not np.allclose(bound(TOKENS), turned)


def test_the_output_layer_is_the_embedding() -> None:
    shapes = {path: d.shape for path, d in encoder().declarations().items()}
    assert [path for path, shape in shapes.items() if 11 in shape] == ["tokens.weight", "head.bias"]


def test_padding_changes_nothing() -> None:
    block = EncoderBlock(8, 2, 0.0)
    bound = block.bind(block.init(0, np.float64))
    x, other = np.random.default_rng(0).standard_normal((2, 1, 5, 8))
    other[:, :3] = x[:, :3]
    padding = np.array([[False, False, False, True, True]])
    np.testing.assert_allclose(bound(x, padding)[:, :3], bound(other, padding)[:, :3], rtol=1e-12)
    np.testing.assert_allclose(bound(x, padding)[:, :3], bound(x[:, :3]), rtol=1e-12)


def test_a_sequence_that_is_too_long_is_refused() -> None:
    model = encoder()
    with pytest.raises(ShapeError, match="reaches beyond the 6 that have vectors"):
        model.bind(model.init(0))(np.zeros((1, 7), int))
