"""Claim 3. Inputs around 1000, or of very different scales, make linear regression badly conditioned and gradient
descent slow; standardising them mends it.

Lecture: optimisation, ill-conditioned curvature and the normalisation of inputs.

Two made-up data sets of 100 samples: two inputs around 1000 (1003.2, 1005.1, ...: deviation 3), and blood platelets
(250,000 ± 60,000 a microlitre) beside height (1.7 ± 0.1 m); the target is a sum of both in units of their deviations,
with an offset and noise. Least squares with a bias, from zero, at the best constant rate 2 / (λmin + λmax), until the
squared error is within 1 % of the target's variance of its minimum. Steps are worked out from (1 − αλ)^k (claim 1), and
counted, too, where they are at most 2,000.
"""

# N = 100 samples, D = 3 weights: the bias and two inputs

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddtrain.data import ArrayData, Standardize
from ddtrain.optim import Sgd
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS
from examples.lectures.quadratics._steps import linear_regression
from examples.lectures.training import descend

Array = np.ndarray[Any, Any]
DATA = {"around 1000": ((1000.0, 3.0), (1000.0, 3.0)), "platelets, height": ((250_000.0, 60_000.0), (1.7, 0.1))}
PREPARED: dict[str, Callable[[Array], Array]] = {
    "as they are": lambda x: x,
    "centred": lambda x: x - x.mean(axis=0),
    "standardised": lambda x: Standardize.fit(ArrayData(x), dtype=np.float64)(x),
}
COUNTED = 2000  # steps at most


def problem(name: str, prepared: str, seed: int) -> tuple[Array, Array]:
    """(N, 2) inputs, and (N,) targets."""
    rng = np.random.default_rng(seed)
    z_N2 = rng.standard_normal((100, 2))
    means, deviations = np.array(DATA[name]).T
    t_N = 3.0 + z_N2 @ [1.0, -0.5] + 0.3 * rng.standard_normal(100)
    return PREPARED[prepared](means + deviations * z_N2), t_N


def counted(x_N2: Array, t_N: Array, lr: float, most: int) -> float:
    """Steps of gradient descent; infinite where they are more than ``most``."""
    x_ND = np.column_stack([np.ones(100), x_N2])
    best = ((t_N - x_ND @ np.linalg.lstsq(x_ND, t_N)[0]) ** 2).mean()
    _, losses = descend(lambda w: 0.5 * ((x_ND @ w - t_N) ** 2).mean(), np.zeros(3), Sgd(lr=lr, momentum=0.0), most)
    there = np.flatnonzero(2 * losses - best <= 0.01 * t_N.var())
    return float(there[0]) if len(there) else np.inf


def study(size: Size) -> Finding:
    cases = [(name, prepared) for name in DATA for prepared in PREPARED]
    known = {case: np.array([linear_regression(*problem(*case, seed)) for seed in size.seeds]) for case in cases}
    most = size(COUNTED, small=100)
    taken = {
        case: [counted(*problem(*case, seed), lr, most) for seed, (_, lr, _) in zip(size.seeds, known[case])]
        for case in cases
    }
    for case in cases:
        for steps, found in zip(known[case][:, 2], taken[case]):
            right = abs(found - steps) <= 1 if steps < most else found > most
            expect(right, f"{case}: {steps:g} steps foretold, {found:g} taken")
    condition = {case: float(np.median(each[:, 0])) for case, each in known.items()}
    steps = {case: float(np.median(each[:, 2])) for case, each in known.items()}
    raw, done = [(name, "as they are") for name in DATA], [(name, "standardised") for name in DATA]
    expect(min(condition[case] for case in raw) > 1e10, f"as they are, the conditions are {condition}")
    expect(max(condition[case] for case in done) < 3, f"standardised, the conditions are {condition}")
    expect(max(steps[case] for case in done) < 10 < 1e9 < min(steps[case] for case in raw), f"steps are {steps}")
    expect(steps["platelets, height", "centred"] > 1e9, f"centring is enough for different scales: {steps}")

    def draw(figure: Any) -> None:
        for axis, name, numbers in zip(figure.subplots(1, 2), ("condition number", "steps"), (condition, steps)):
            for k, data in enumerate(DATA):
                places = np.arange(3) + 0.36 * (k - 0.5)
                bars = axis.bar(places, [numbers[data, p] for p in PREPARED], 0.34, color=COLORS[k], label=data)
                axis.bar_label(bars, fmt="%.2g", fontsize=7)
            axis.set(yscale="log", ylabel=name, ylim=(1, 1e16), axisbelow=True)
            axis.set_xticks(range(3), list(PREPARED))
            axis.legend(fontsize=8)

    near, far = DATA
    return Finding(
        Verdict.HOLDS,
        f"With a bias, inputs around 1000 have condition {condition[near, 'as they are']:.0e} and would take "
        f"{steps[near, 'as they are']:.0e} steps, platelets and height {condition[far, 'as they are']:.0e} and "
        f"{steps[far, 'as they are']:.0e}; standardised, both have {condition[near, 'standardised']:.1f} and take "
        f"{steps[near, 'standardised']:.0f}. Centring alone is enough for inputs of one scale "
        f"({steps[near, 'centred']:.0f} steps), and not for others.",
        Table(
            ("data", "condition, median", "best lr", "steps, worked out", "steps, counted"),
            [
                (f"{case[0]}, {case[1]}", condition[case], float(np.median(known[case][:, 1])), steps[case], word)
                for case in cases
                for word in [f"> {most}" if np.isinf(np.median(taken[case])) else f"{np.median(taken[case]):g}"]
            ],
        ),
        draw,
    )
