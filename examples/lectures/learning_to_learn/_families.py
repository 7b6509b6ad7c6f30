"""Problems that an optimizer is learned for or tried on, each a batch of independent ones so that they run at once."""

# P problems of D dimensions

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np

import ddtrain.numpy as dnp
from ddtrain.meta import Family
from examples.lectures.learning_to_learn import _digits

PROBLEMS = 16


def squares(x_PD: Any, a_PDD: Any, b_PD: Any) -> Any:
    """The sum over P problems of |A x − b|²."""
    return dnp.sum((dnp.einsum("pij,pj->pi", a_PDD, x_PD) - b_PD) ** 2)


def quadratics(dimensions: int = 10, scale: float = 1.0) -> Family:
    """Random least squares: A, b and the start normal, A times ``scale``."""

    def draw(rng: np.random.Generator) -> Any:
        a = scale * rng.normal(size=(PROBLEMS, dimensions, dimensions))
        return rng.normal(size=(PROBLEMS, dimensions)), repeat((a, rng.normal(size=(PROBLEMS, dimensions))))

    return Family(squares, draw)


def network(hidden: int = 16, batch: int = 64) -> Family:
    """A perceptron on the digits, with the mean loss of a batch drawn for each step."""
    x, y = _digits.samples()[0]

    def draw(rng: np.random.Generator) -> Any:
        rows = (rng.integers(0, len(x), batch) for _ in repeat(None))
        return _digits.start(rng, hidden), ((x[chosen], y[chosen]) for chosen in rows)

    return Family(lambda params, x, y: dnp.mean(_digits.losses(params, x, y)), draw)
