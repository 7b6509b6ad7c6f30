"""Perceptrons: the arithmetic written out, and which layers there are with batch-norm and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import models
from ddtrain.errors import UsageError
from ddtrain.rng import SampleRng

X = np.random.default_rng(0).standard_normal((5, 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [0, 1, 5])
def test_it_is_relu_between_affine_maps(rows: int, dtype: Any) -> None:
    model = models.Mlp((4, 6, 3, 2))
    v = model.init(0, dtype)
    h = X[:rows].astype(dtype)
    found = model.bind(v)(h)
    for layer in ("layers.0", "layers.2"):
        h = np.maximum(h @ v[f"{layer}.weight"] + v[f"{layer}.bias"], 0)
    assert (found.shape, found.dtype) == ((rows, 2), dtype)
    np.testing.assert_allclose(found, h @ v["layers.4.weight"] + v["layers.4.bias"], rtol=1e-5, atol=1e-6)


def test_without_hidden_layers_it_is_linear() -> None:
    assert list(models.Mlp((4, 2)).declarations()) == ["layers.0.weight", "layers.0.bias"]


def kinds(model: models.Mlp) -> list[str]:
    return [type(layer).__name__ for _, layer in model.layers.children()]


def test_batch_norm_stands_before_the_activation_and_takes_the_bias_away() -> None:
    model = models.Mlp((4, 6, 2), batch_norm=True)
    assert kinds(model)[:2] == ["Linear", "BatchNorm"]
    biases = [name for name in model.declarations() if name.endswith("bias")]
    assert biases == ["layers.1.bias", "layers.3.bias"], "of batch-norm and of the last layer"


def test_dropout_follows_every_activation_where_there_is_any() -> None:
    plain, dropping = models.Mlp((4, 6, 3, 2)), models.Mlp((4, 6, 3, 2), dropout=0.5)
    assert (kinds(plain).count("Dropout"), kinds(dropping).count("Dropout")) == (0, 2)
    assert kinds(dropping)[-1] == "Linear", "outputs are never dropped"
    values = dropping.init(0, np.float64)
    evaluated = dropping.bind(values)(X)
    training = dropping.bind(values, training=True, rng=SampleRng(0, 0))(X)
    assert not np.allclose(evaluated, training)


def test_batch_norm_after_the_activation_keeps_the_bias() -> None:
    model = models.Mlp((4, 6, 2), "after", activation="tanh")
    assert kinds(model) == ["Linear", "Tanh", "BatchNorm", "Linear"]
    assert "layers.0.bias" in model.declarations()
    v = model.init(0, np.float64)
    v["layers.0.bias"] += 0.5
    h = np.tanh(X @ v["layers.0.weight"] + v["layers.0.bias"])
    h = (h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + 1e-5)
    found = model.bind(v, training=True, rng=SampleRng(0, 0))(X)
    np.testing.assert_allclose(found, h @ v["layers.3.weight"] + v["layers.3.bias"], rtol=1e-10)


@pytest.mark.parametrize(("word", "flag"), [("before", True), ("none", False)])
def test_words_for_where_batch_norm_stands(word: Any, flag: bool) -> None:
    assert kinds(models.Mlp((4, 6, 2), word)) == kinds(models.Mlp((4, 6, 2), flag))


def test_what_cannot_stand_between_layers_is_refused() -> None:
    with pytest.raises(UsageError, match="activation 'maxout' makes 2 units of 4\n  Choose one that keeps"):
        models.Mlp((4, 6, 2), activation="maxout")
    with pytest.raises(UsageError, match="batch_norm 'beside' is none of before, after, none"):
        models.Mlp((4, 6, 2), "beside")  # type: ignore[arg-type]
