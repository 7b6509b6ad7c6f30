"""Claim 14. The squared, the logistic and the softmax loss are convex in the outputs of a network: their Hessians have
no negative eigenvalue.

Lecture: optimisation, convexity; training methods, losses.

At random outputs of deviation 1 and 10, of 5 classes (1 for the logistic loss), the engine's Hessian of each loss is
held against the formula (2 I / K, σ(1 − σ), diag p − p pᵀ), and its eigenvalues against 0; and without derivatives, the
loss halfway between two outputs against the mean of theirs. Beside them stand what is not convex: the squared error of
a logistic output; and the softmax loss in the *weights*, of a perceptron 4-4-3 at random weights, while that of a
linear model is convex in its weights, too.

Source: Bishop (2006), "Pattern recognition and machine learning", sections 4.3.2 to 4.3.4.
"""

# K = 5 outputs, N samples

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ddtrain import flatten, hessian, nn, ops
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves

Array = np.ndarray[Any, Any]
ROUNDING = 1e-14  # of a Hessian whose entries are at most 2


def squared(z_K: Any, label: int) -> Any:
    return ops.squared_error(z_K[None], np.eye(len(z_K))[[label]])[0]


def logistic(z_K: Any, label: int) -> Any:
    return ops.logistic_loss(z_K[None], np.array([[2.0 * (label % 2) - 1]]))[0]


def softmax(z_K: Any, label: int) -> Any:
    return ops.cross_entropy(z_K[None], np.array([label]))[0]


def squared_of_logistic(z_K: Any, label: int) -> Any:
    return ops.squared_error(ops.sigmoid(z_K)[None], np.array([[label % 2]]))[0]


def _softmax_formula(z_K: Array) -> Array:
    p_K = ops.softmax(z_K)
    formula: Array = np.diag(p_K) - np.outer(p_K, p_K)
    return formula


class Loss(NamedTuple):
    """Of outputs and a label; how many outputs; its Hessian, where that is the same for every label."""

    of: Callable[[Any, int], Any]
    outputs: int
    formula: Callable[[Array], Array] | None


LOSSES = {
    "squared error": Loss(squared, 5, lambda z_K: 2 / 5 * np.eye(5)),
    "logistic": Loss(logistic, 1, lambda z_K: np.diag(ops.sigmoid(z_K) * ops.sigmoid(-z_K))),
    "softmax": Loss(softmax, 5, _softmax_formula),
    "squared error of a logistic output": Loss(squared_of_logistic, 1, None),
}
CONVEX = ("squared error", "logistic", "softmax")


class Seen(NamedTuple):
    """The extreme eigenvalues, the largest deviation from the formula, the share of midpoints above the chord."""

    smallest: float
    largest: float
    off: float
    above: float


def look(loss: Loss, points: int, seed: int) -> Seen:
    """Hessians at random outputs, and midpoints of pairs of them."""
    rng = np.random.default_rng(seed)
    scales = np.repeat([1.0, 10.0], points // 2)[:, None]
    z_PK, others_PK = scales * rng.standard_normal((2, points, loss.outputs))
    labels = rng.integers(0, 5, points)
    hessians = np.array([hessian(loss.of)(z_K, int(label)) for z_K, label in zip(z_PK, labels)])
    eigenvalues = np.linalg.eigvalsh(hessians)
    formula = loss.formula
    off = np.nan if formula is None else np.abs(hessians - [formula(z_K) for z_K in z_PK]).max()
    chords = [
        (loss.of((a + b) / 2, int(label)), (loss.of(a, int(label)) + loss.of(b, int(label))) / 2)
        for a, b, label in zip(z_PK, others_PK, labels)
    ]
    above = np.mean([middle > chord * (1 + ROUNDING) for middle, chord in chords])
    return Seen(float(eigenvalues.min()), float(eigenvalues.max()), float(off), float(above))


def of_weights(model: nn.Module, points: int, seed: int) -> Array:
    """(points,) the smallest eigenvalue of the softmax loss's Hessian by the weights, at random weights."""
    rng = np.random.default_rng(seed)
    x_ND, labels_N = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    vector, unflatten = flatten(model.init(seed, np.float64))
    loss = lambda weights: ops.cross_entropy(model.bind(unflatten(weights))(x_ND), labels_N).mean()
    found = [np.linalg.eigvalsh(hessian(loss)(rng.standard_normal(len(vector))))[0] for _ in range(points)]
    return np.array(found)


def study(size: Size) -> Finding:
    points = size(200, small=10)
    seen = {name: [look(loss, points, seed) for seed in size.seeds] for name, loss in LOSSES.items()}
    worst = {
        name: Seen(*(end(column) for end, column in zip((min, max, max, max), zip(*rows))))
        for name, rows in seen.items()
    }
    for name in CONVEX:
        found = worst[name]
        expect(found.smallest > -ROUNDING, f"{name}: an eigenvalue of {found.smallest:.1e}")
        expect(found.off < ROUNDING, f"{name}: the Hessian is off the formula by {found.off:.1e}")
        expect(found.above == 0, f"{name}: {found.above:.1%} of midpoints lie above the chord")
    other = worst["squared error of a logistic output"]
    expect(other.smallest < -0.01 and other.above > 0, f"the squared error of a logistic output should not be: {other}")

    net, linear = nn.Sequential(nn.Linear(4, 4), nn.tanh(), nn.Linear(4, 3)), nn.Linear(4, 3)
    of_net, of_linear = (
        np.concatenate([of_weights(model, size(40, small=3), seed) for seed in size.seeds]) for model in (net, linear)
    )
    expect((of_linear > -ROUNDING).all(), f"the linear model's loss should be convex: {of_linear.min():.1e}")
    expect((of_net < -1e-3).mean() > 0.5, f"the perceptron's loss should not be convex: {of_net}")

    def draw(figure: Any) -> None:
        of_output, weights = figure.subplots(1, 2)
        z = np.linspace(-8, 8, 161)
        second = {
            name: [float(hessian(loss.of)(np.array([at, *[0.0] * (loss.outputs - 1)]), 1)[0, 0]) for at in z]
            for name, loss in LOSSES.items()
        }
        curves(of_output, second.items(), z)
        of_output.set(ylim=(-0.15, 0.65), xlabel="one output, the others 0", ylabel="second derivative by it")
        of_output.legend(loc="upper left", fontsize=8)
        for k, (label, found) in enumerate((("perceptron 4-4-3", of_net), ("linear 4-3", of_linear))):
            weights.hist(found, bins=30, range=(-1.4, 0.02), color=COLORS[k], alpha=0.7, label=label)
        weights.set(xlabel="smallest eigenvalue by the weights", ylabel="random weights")
        weights.legend(fontsize=8)

    return Finding(
        Verdict.HOLDS,
        f"At {points * len(size.seeds)} random outputs each, no eigenvalue of the three Hessians is below "
        f"{min(worst[name].smallest for name in CONVEX):.0e}, which is rounding, and no midpoint above the chord. It "
        "is a property of the outputs alone: the squared error of a logistic output has second derivatives down to "
        f"{other.smallest:.2f}, and in the weights of a small perceptron the softmax loss has a negative eigenvalue "
        f"at {(of_net < -1e-3).mean():.0%} of random points, in those of a linear model at none.",
        Table(
            ("loss", "smallest eigenvalue", "largest", "off the formula", "midpoints above the chord"),
            [
                *(
                    (name, *found[:2], "" if np.isnan(found.off) else found.off, f"{found.above:.1%}")
                    for name, found in worst.items()
                ),
                ("softmax, by weights of a linear model", of_linear.min(), "", "", ""),
                ("softmax, by weights of a perceptron", of_net.min(), "", "", ""),
            ],
        ),
        draw,
    )
