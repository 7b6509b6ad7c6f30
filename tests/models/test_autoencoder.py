"""The autoencoder: its formula, tied weights as one parameter, and a code that keeps what a plane holds."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import check_grads, grad, models, ops
from ddtrain.errors import UsageError

X = np.random.default_rng(0).standard_normal((4, 6))


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("rows", [0, 4])
def test_it_is_its_formula(rows: int) -> None:
    model = models.Autoencoder((6, 4, 2))
    v = {name: x + 0.1 for name, x in model.init(0, np.float64).items()}
    w0, w1 = v["down.0.weight"], v["down.1.weight"]
    code = sigmoid(X[:rows] @ w0 + v["down.0.bias"]) @ w1 + v["down.1.bias"]
    np.testing.assert_allclose(model.bind(v).encode(X[:rows]), code, rtol=1e-12)
    back = sigmoid(code @ w1.T + v["up_bias.0"]) @ w0.T + v["up_bias.1"]
    np.testing.assert_allclose(model.bind(v)(X[:rows]), back, rtol=1e-12)


def test_untied_it_has_weights_of_its_own_both_ways() -> None:
    tied, untied = models.Autoencoder((6, 2)), models.Autoencoder((6, 2), tied=False)
    assert [*untied.declarations()] == ["down.0.weight", "down.0.bias", "up.0.weight", "up.0.bias"]
    v = tied.init(0, np.float64)
    w = v["down.0.weight"]
    same = {"down.0.weight": w, "down.0.bias": v["down.0.bias"], "up.0.weight": w.T, "up.0.bias": v["up_bias.0"]}
    np.testing.assert_allclose(tied.bind(v)(X), untied.bind(same)(X), rtol=1e-12)


def test_a_tied_weight_learns_from_both_ways() -> None:
    model = models.Autoencoder((6, 3, 2), activation="tanh")
    v = model.init(0, np.float64)
    check_grads(lambda v: ops.squared_error(model.bind(v)(X), X).sum(), modes=("rev",))(v)


def test_a_linear_code_of_a_plane_loses_nothing() -> None:
    plane = np.random.default_rng(1).standard_normal((40, 2)) @ np.random.default_rng(2).standard_normal((2, 6))
    model = models.Autoencoder((6, 2))
    v = model.init(0, np.float64)
    step = grad(lambda v: ops.squared_error(model.bind(v)(plane), plane).mean())
    for _ in range(800):
        v = {name: x - 0.05 * g for (name, x), g in zip(v.items(), step(v).values(), strict=True)}
    assert ops.squared_error(model.bind(v)(plane), plane).mean() < 1e-3 * (plane**2).mean()


def test_without_a_code_it_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        models.Autoencoder((6,))
    assert caught.value.one_line == "Autoencoder: sizes (6,) have no code: Give input, hidden layers and code."
