"""Claim 30. A gradient is right if it agrees with central differences of step ε so well that the ratio |Ge − Ga| / |Ge
+ Ga| is below 1e-6; ε must be neither large nor tiny.

Lecture: training methods, gradient checks.

The mean cross-entropy of 32 digits, of a perceptron 64-10-10, is differentiated by the engine (Ga) and by differences
(Ge) along 60 weights at random, for ε from 0.1 to 1e-12: central ones in float64 and float32, one-sided ones, and
central ones through ReLU, which has kinks. The ratio is that of the lengths of the two vectors. Beside it stands that
of a gradient that is wrong: too large by 1 %, or by a millionth.

Source: Nocedal, Wright (2006), "Numerical optimization", section 8.1.
"""

# D = 64 pixels, P weights, of which some are moved

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ddtrain import flatten, grad, nn, ops
from ddtrain.models import Mlp
from ddtrain.recipes import classifier
from ddtrain.recipes.picture_options import ClassifierConfig
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves

Array = np.ndarray[Any, Any]
STEPS = tuple(10.0**-k for k in range(1, 13))
LIMIT = 1e-6


class Check(NamedTuple):
    """How a gradient is checked."""

    dtype: str
    activation: str
    central: bool = True


CHECKS = {
    "float64, central": Check("float64", "tanh"),
    "float64, one-sided": Check("float64", "tanh", central=False),
    "float64, central, ReLU": Check("float64", "relu"),
    "float32, central": Check("float32", "tanh"),
}


def ratios(check: Check, weights: int, seed: int, too_large: float = 0.0) -> Array:
    """(12,) the ratio for each step; of a gradient that is too large by a fraction."""
    model = Mlp((64, 10, 10), activation=check.activation)
    data = classifier.digits(ClassifierConfig().updated({"run": {"dtype": check.dtype}}), nn.Identity()).train
    x_ND, labels_N = data.batch(np.arange(32))
    start_P, unflatten = flatten(model.init(seed, check.dtype))

    def loss(values_P: Any) -> Any:
        return ops.cross_entropy(model.bind(unflatten(values_P))(x_ND), labels_N).mean()

    chosen = np.random.default_rng(seed).choice(len(start_P), weights, replace=False)
    exact = grad(loss)(start_P)[chosen].astype(np.float64) * (1 + too_large)

    def at(k: int, moved: float) -> float:
        values_P = start_P.copy()
        values_P[k] += moved
        return float(loss(values_P))

    found, here = [], float(loss(start_P))
    for step in STEPS:
        ahead = np.array([at(k, step) for k in chosen])
        behind = np.array([at(k, -step) for k in chosen]) if check.central else here
        numeric = (ahead - behind) / (2 * step if check.central else step)
        found.append(np.linalg.norm(numeric - exact) / np.linalg.norm(numeric + exact))
    return np.array(found)


def study(size: Size) -> Finding:
    weights = size(60, small=12)
    seen = {name: np.array([ratios(check, weights, seed) for seed in size.seeds]) for name, check in CHECKS.items()}
    median = {name: np.median(rows, axis=0) for name, rows in seen.items()}
    best = {name: STEPS[int(np.argmin(row))] for name, row in median.items()}
    passing = {name: [step for step, row in zip(STEPS, seen[name].T) if (row < LIMIT).all()] for name in CHECKS}
    expect(median["float64, central"].min() < 1e-9, f"central differences should do better: {median}")
    expect(1e-6 <= best["float64, central"] <= 1e-4, f"their best step should be near u^(1/3): {best}")
    expect(best["float64, one-sided"] <= 1e-7, f"that of one-sided ones near u^(1/2): {best}")
    expect(passing["float64, central"] and passing["float64, central, ReLU"], f"in float64 some step passes: {passing}")
    expect(seen["float32, central"].min() > 10 * LIMIT, f"in float32 none should: {median}")
    for row in median.values():
        expect(row[0] > 10 * row.min() and row[-1] > 10 * row.min(), f"large and tiny steps should be worse: {row}")
    wrong = {
        part: max(ratios(CHECKS["float64, central"], weights, seed, part)[4] for seed in size.seeds)
        for part in (0.01, 1e-6)
    }
    expect(abs(wrong[0.01] / 0.005 - 1) < 0.01, f"1 % too much should be a ratio of 0.005: {wrong}")

    def draw(figure: Any) -> None:
        axis = figure.subplots()
        curves(axis, seen.items(), STEPS)
        axis.axhline(LIMIT, color="black", lw=0.8)
        axis.annotate("1e-6", (STEPS[-1], 1.4 * LIMIT))
        axis.set(xscale="log", yscale="log", xlabel="step ε", ylabel="|Ge − Ga| / |Ge + Ga|")

    first, last = passing["float64, central"][-1], passing["float64, central"][0]
    single = median["float32, central"]
    return Finding(
        Verdict.IN_PART,
        f"In float64 a right gradient has ratios below 1e-6 for central differences with ε from {first:.0e} to "
        f"{last:.0e} (over {len(size.seeds)} networks), at best {median['float64, central'].min():.0e} with ε = "
        f"{best['float64, central']:.0e}; one-sided ones reach {median['float64, one-sided'].min():.0e} with ε = "
        f"{best['float64, one-sided']:.0e}. In float32 the limit cannot be kept: the best is {single.min():.0e}, with "
        f"ε = {best['float32, central']:.0e}. A gradient that is 1 % too large has {wrong[0.01]:.3f}; one that is a "
        f"millionth too large has {wrong[1e-6]:.0e} and passes.",
        Table(
            ("differences", "best ε", "ratio there", "with ε = 0.1", "with ε = 1e-12", "ε that pass"),
            [(name, best[name], row.min(), row[0], row[-1], _span(passing[name])) for name, row in median.items()],
        ),
        draw,
    )


def _span(steps: list[float]) -> str:
    return f"{steps[-1]:.0e} to {steps[0]:.0e}" if steps else "none"
