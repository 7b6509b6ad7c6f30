"""The autoencoder of digits: judged by pixels and not by labels, and what of the variance it explains."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.recipes.digits.autoencoder import DigitsAutoencoder, Model, build


@pytest.mark.parametrize("tied", [True, False])
def test_the_network_is_the_one_of_the_section(tied: bool) -> None:
    task = build(DigitsAutoencoder(model=Model(hidden=(9,), code=3, tied=tied)))
    shapes = {path: d.shape for path, d in task.model.declarations().items() if path.endswith("weight")}
    down = {"down.0.weight": (64, 9), "down.1.weight": (9, 3)}
    assert shapes == down | ({} if tied else {"up.0.weight": (3, 9), "up.1.weight": (9, 64)})


def test_labels_do_not_matter() -> None:
    task = build(DigitsAutoencoder())
    x, labels = task.train.batch(np.arange(5))
    model = task.model.bind(task.model.init(0))
    np.testing.assert_array_equal(task.loss(model, x, labels), task.loss(model, x, labels[::-1]))
    np.testing.assert_allclose(task.loss(model, x, labels), ((model(x) - x) ** 2).mean(axis=1), rtol=1e-5)


def test_what_says_the_mean_explains_nothing() -> None:
    task = build(DigitsAutoencoder())
    x, _ = task.train.batch(np.arange(len(task.train)))
    assert task.derived["explained"]({"loss": float((x**2).mean())}) == pytest.approx(0, abs=0.02)
    assert task.derived["explained"]({"loss": 0.25}) == 0.75
    assert np.isnan(task.derived["explained"]({"loss": np.inf}))


def test_the_activation_is_the_sections() -> None:
    x = np.random.default_rng(0).standard_normal((3, 64))
    model = build(DigitsAutoencoder(model=Model(hidden=(9,), code=3, activation="tanh"))).model
    v = model.init(0, np.float64)
    hidden = np.tanh(x @ v["down.0.weight"] + v["down.0.bias"])
    np.testing.assert_allclose(model.bind(v).encode(x), hidden @ v["down.1.weight"] + v["down.1.bias"], rtol=1e-12)
