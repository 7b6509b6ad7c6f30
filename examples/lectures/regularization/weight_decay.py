"""Claim 26. Weight decay shrinks the weights along those directions to which the loss is least sensitive, and early
stopping acts like it.

Lecture: regularisation, L2 and early stopping.

First where the loss is a quadratic, so that both can be worked out: least squares of ten classes on 100 digits of 8×8
pixels. Along an eigenvector of curvature h the minimum under decay λ is h / (h + λ) of the free one, and t steps of
rate α from zero reach 1 − (1 − αh)^t of it. Errors are of 1,000 other digits; the decay, and the step, are chosen by
another 500 among the same 12 settings, λ = 1 / (αt). Then where it is none: a network of 610 weights at its minimum
under a decay of 0.001, on 300 digits, with its whole Hessian; the decay is raised to 0.01, and it settles anew.

Goodfellow, Bengio, Courville (2016), "Deep learning", sections 7.1.1 and 7.8.
"""

# D = 65 inputs, with a constant; K = 10 classes; n = 610 weights

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as onp
from numpy.typing import NDArray

import ddtrain.numpy as np
from ddtrain import data, flatten, hessian, model_loss, ops, optim
from ddtrain.models import Mlp
from ddtrain.recipes.images import DIGITS
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS, curves
from examples.lectures.training import descend
from examples.lectures.tuning import rates, tune

Array = onp.ndarray[Any, Any]
WEAK, STRONG = 1e-3, 1e-2  # decay of the network, first and then
EDGES = (0.1, 1.0, 10.0)  # between groups of directions, by their curvature over the strong decay
GROUPS = ("below λ / 10", "λ / 10 to λ", "λ to 10 λ", "above 10 λ")


def digits(seed: int) -> tuple[Array, NDArray[onp.int64]]:
    """All 1,797 in the order of a seed: pixels in rows, and classes."""
    found = data.digits()
    x = onp.concatenate([found.x_train, found.x_test]).reshape(-1, 64)
    order = onp.random.default_rng(seed).permutation(len(x))
    return (x[order] - DIGITS[0]) / DIGITS[1], onp.concatenate([found.y_train, found.y_test])[order]


class Quadratic(NamedTuple):
    """Least squares, along the eigenvectors that the digits have, and on other digits.

    Attributes
    ----------
    off : how far the factors of ``descend`` are off h / (h + λ), and off 1 − (1 − αh)^t
    scaled : h / λ at the middle setting, λ = 1 / (αt)
    decayed, stopped : the factors there
    errors : in percent, of the free minimum, under the chosen decay, and stopped at the chosen step
    """

    off: tuple[float, float]
    scaled: Array
    decayed: Array
    stopped: Array
    errors: tuple[float, float, float]


def quadratic(seed: int, size: Size) -> Quadratic:
    x_ND, y_N = digits(seed)
    x_ND = onp.concatenate([x_ND, onp.ones((len(x_ND), 1))], axis=1)
    h_DD, b_DK = x_ND[:100].T @ x_ND[:100] / 100, x_ND[:100].T @ onp.eye(10)[y_N[:100]] / 100
    h_D, u_DD = onp.linalg.eigh(h_DD)
    told = h_D > 1e-9 * h_D[-1]  # no digit has the others: pixels that are always white
    h_D, u_DD, rate = h_D[told], u_DD[:, told], 1 / h_D[-1]
    free_DK = u_DD.T @ b_DK / h_D[:, None]  # in the eigenvectors' coordinates

    def loss(w: Any) -> Any:
        w_DK = w.reshape(65, 10)
        return 0.5 * np.sum(w_DK * (h_DD @ w_DK)) - np.sum(w_DK * b_DK)

    def error(factors_D: Array, chosen_by: slice) -> float:
        answers = onp.argmax(x_ND[chosen_by] @ (u_DD @ (factors_D[:, None] * free_DK)), axis=1)
        return 100 * float(onp.mean(answers != y_N[chosen_by]))

    def off(decay: float, steps: int, factors_D: Array) -> float:
        formula = optim.Sgd(lr=rate, momentum=0.0, weight_decay=decay)
        points, _ = descend(loss, onp.zeros(650), formula, steps)
        away = u_DD.T @ points[-1].reshape(65, 10) - factors_D[:, None] * free_DK
        return float(onp.abs(away).max() / onp.abs(free_DK).max())

    def decayed(steps: float) -> Array:
        return onp.asarray(h_D / (h_D + 1 / (rate * steps)))

    def stopped(steps: float) -> Array:
        return onp.asarray(1 - (1 - rate * h_D) ** round(steps))

    settings, middle = rates(3, 10_000, 12), 30
    valid, test = slice(100, 600), slice(600, 1600)

    def chosen(way: Callable[[float], Array]) -> float:
        return error(way(tune(lambda steps, _: error(way(steps), valid), settings, seeds=(0,)).setting), test)

    return Quadratic(
        (off(1 / (rate * middle), size(1500, small=700), decayed(middle)), off(0.0, middle, stopped(middle))),
        h_D * rate * middle,
        decayed(middle),
        stopped(middle),
        (error(onp.ones(len(h_D)), test), chosen(decayed), chosen(stopped)),
    )


def network(seed: int, size: Size) -> tuple[Array, Array]:
    """By group of directions, how much a stronger decay leaves, as the quadratic foretells it and as it is."""
    x_ND, y_N = (each[: size(300, small=100)] for each in digits(seed))
    model = Mlp((64, 8, 10), activation="tanh")
    losses = lambda model, x, y: ops.cross_entropy(model(x), y)
    of_params, params = model_loss(model, losses, model.init(seed, "float64"))
    start, unflatten = flatten(params)
    loss = lambda w: of_params(unflatten(w), x_ND, y_N).mean()

    def settled(w: Array, decay: float) -> Array:
        formula = optim.Sgd(lr=0.5, momentum=0.9, weight_decay=decay)
        points, _ = descend(loss, w, formula, size(2000, small=300))
        return onp.asarray(points[-1])

    weak = settled(start, WEAK)
    strong = settled(weak, STRONG)
    h_n, u_nn = onp.linalg.eigh(hessian(loss)(weak))
    before, after = u_nn.T @ weak, u_nn.T @ strong
    group = onp.searchsorted(EDGES, h_n / STRONG)
    shares = [[(before * each)[group == k].sum() for k in range(4)] for each in (before, after)]
    foretold = [(before**2 * (h_n + WEAK) / (h_n + STRONG))[group == k].sum() for k in range(4)]
    return onp.array(foretold) / shares[0], onp.array(shares[1]) / shares[0]


def study(size: Size) -> Finding:
    quadratics = [quadratic(seed, size) for seed in size.seeds]
    foretold, left = (onp.array(each) for each in zip(*(network(seed, size) for seed in size.seeds), strict=True))
    off = max(max(found.off) for found in quadratics)
    expect(off < 1e-11, f"off h / (h + λ) or 1 − (1 − αh)^t by {off:.1e}")  # rounding, and exp(−700 / 30)
    gap = max(onp.abs(found.decayed - found.stopped).max() for found in quadratics)
    expect(gap < 0.22, f"decay and stopping leave shares that differ by {gap:.3f}")
    free, decayed, stopped = onp.array([found.errors for found in quadratics]).T
    expect((free - onp.maximum(decayed, stopped) > 3).all(), f"no better than none: {free}, {decayed}, {stopped}")
    expect((abs(decayed - stopped) < 2).all(), f"one is better than the other: {decayed}, {stopped}")
    expect((onp.diff(left[:, :3], axis=1) > 0).all(), f"the network shrinks in another order: {left}")
    if not size.small:  # where it moves on, and steep directions have no order yet
        expect(onp.median(left[:, 3]) > onp.median(left[:, 2]), f"steep directions shrink more than others: {left}")

    def draw(figure: Any) -> None:
        of_quadratic, of_network, of_errors = figure.subplots(1, 3, width_ratios=(1.2, 1.2, 0.8))
        one = quadratics[0]
        lines = [("decay: h / (h + λ)", one.decayed), ("stopped: 1 − (1 − αh)$^t$", one.stopped)]
        curves(of_quadratic, lines, one.scaled)
        of_quadratic.set(xscale="log", xlabel="curvature h / λ, λ = 1 / (αt)", ylabel="share of the free minimum")
        for k, (label, shares) in enumerate((("foretold", foretold), ("measured", left))):
            at = onp.arange(4) + 0.4 * k - 0.2
            of_network.bar(at, onp.median(shares, axis=0), width=0.35, color=COLORS[k], label=label)
            of_network.plot(at, shares.T, "k.", ms=3)
        of_network.set_xticks(range(4), ("< λ/10", "to λ", "to 10 λ", "> 10 λ"))
        of_network.set(xlabel="curvature, network", ylabel="left when decay rises tenfold")
        of_network.legend(fontsize=8)
        for k, errors in enumerate((free, decayed, stopped)):
            of_errors.bar(k, onp.median(errors), width=0.6, color=COLORS[k])
            of_errors.plot(onp.full(len(errors), k), errors, "k.", ms=3)
        of_errors.set_xticks(range(3), ("neither", "decay", "stopped"))
        of_errors.set(ylabel="test error, %")

    shares = onp.median(left, axis=0)
    return Finding(
        Verdict.HOLDS,
        f"On the quadratic both leave what the formulas say to {off:.0e}: h / (h + λ) of the free minimum, and "
        f"1 − (1 − αh)^t, which with λ = 1 / (αt) are alike at small and large curvature and differ by up to {gap:.2f} "
        f"between; errors fall from {onp.median(free):.1f} % to {onp.median(decayed):.1f} % by decay and to "
        f"{onp.median(stopped):.1f} % by stopping. A network keeps the order in every seed, not the numbers: what is "
        f"left is {shares[0]:.1f} in flat directions, which turn round, and {shares[3]:.1f} in steep ones, which grow.",
        Table(
            ("", "foretold", "median", "lowest", "highest"),
            [
                *(
                    (f"network, curvature {group}", onp.median(told), onp.median(found), found.min(), found.max())
                    for group, told, found in zip(GROUPS, foretold.T, left.T, strict=True)
                ),
                *(
                    (f"least squares, error in %, {way}", "", onp.median(errors), errors.min(), errors.max())
                    for way, errors in (("neither", free), ("decay", decayed), ("stopped", stopped))
                ),
            ],
        ),
        draw,
    )
