"""A perceptron on the digits, as a function of its parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

import ddtrain.numpy as dnp
from ddtrain import data, ops

Array = np.ndarray[Any, Any]
PIXELS, CLASSES = 64, 10


def samples() -> tuple[tuple[Array, Array], ...]:
    """Images, (N, 64) from 0 to 1, and classes: 1000 to train, 437 to choose by, 360 to judge by."""
    images = data.digits()
    x, x_test = (pixels.reshape(-1, PIXELS) / 16.0 for pixels in (images.x_train, images.x_test))
    y = images.y_train
    return (x[:1000], y[:1000]), (x[1000:], y[1000:]), (x_test, images.y_test)


def start(rng: np.random.Generator, hidden: int) -> dict[str, Array]:
    """Initial parameters, of variance 1 / fan-in."""
    return {
        "w": rng.normal(size=(PIXELS, hidden)) / PIXELS**0.5,
        "b": np.zeros(hidden),
        "v": rng.normal(size=(hidden, CLASSES)) / hidden**0.5,
        "c": np.zeros(CLASSES),
    }


def losses(params: Any, x: Array, y: Array) -> Any:
    """(N,), in nats."""
    hidden = dnp.tanh(x @ params["w"] + params["b"])
    return ops.cross_entropy(hidden @ params["v"] + params["c"], y)
