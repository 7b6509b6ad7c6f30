"""Claim 10. Newton's method solves least squares in one step, conjugate gradients in as many steps as there are
dimensions; L-BFGS is for full batches, and mini-batches spoil it.

Lecture: optimisation, second-order methods.

Least squares: 100 samples, 20 dimensions, Gram matrices of condition 10 to 10⁶, in float64. ``optim.Newton`` takes one
pure step; ``optim.HessianFree`` one of k products, which is k steps of conjugate gradients. Then a network of 64, 32
and 10 tanh units on 512 digits, with the work of 80 full gradients for each: L-BFGS on all samples, on mini-batches of
128 and 64, and gradient descent on mini-batches of 64. All have their rate chosen among five, on other initial values.

Hestenes, Stiefel (1952); Liu, Nocedal (1989), "On the limited memory BFGS method".
"""

# N samples, D = 20 dimensions of the least squares

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ddtrain import nn, ops
from ddtrain.data import digits
from ddtrain.optim import HessianFree, Lbfgs, Newton, Sgd, make
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.quadratics._vectors import Array, Loss, VectorObjective, Walk, network
from examples.lectures.tuning import rates, tune

D = 20
CONDITIONS = (10.0, 1e2, 1e4, 1e6)
PRODUCTS = (0, 5, 10, 15, 20, 25, 30, 40, 50)  # of conjugate gradients
METHODS = {"L-BFGS, all": 0, "L-BFGS, batches of 128": 128, "L-BFGS, batches of 64": 64, "SGD, batches of 64": 64}


def least_squares(condition: float, seed: int) -> Loss:
    """Half the squared error of weights over its minimum, which is 0."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((n, D)))[0] for n in (100, D))
    a_ND, w_D = (left * np.geomspace(1.0, condition**-0.5, D)) @ right.T, right.sum(axis=1)

    def loss(w: Any) -> Any:
        return 0.5 * ((a_ND @ (w - w_D)) ** 2).sum()

    return loss


def part_left(method: Newton | HessianFree, condition: float, seed: int) -> float:
    """The part of the loss that one step leaves."""
    loss = least_squares(condition, seed)
    walk = Walk(method, np.zeros(D))
    before = walk.step(VectorObjective(loss))
    return float(loss(walk.x)) / before


def trained(name: str, work: int, samples: int, lr: float, seed: int) -> Array:
    """(work + 1,) the loss over all samples, each time that as many gradients of samples were taken as there are."""
    images = digits()
    x_ND, y_N = images.x_train[:samples].reshape(-1, 64) / 16.0, images.y_train[:samples]
    net = nn.Sequential(nn.Linear(64, 32), nn.tanh(), nn.Linear(32, 10))
    loss, start = network(net, lambda model, x, y: ops.cross_entropy(model(x), y), seed)
    objective, rng, size = VectorObjective(loss), np.random.default_rng(seed), METHODS[name] or samples
    walk, sgd = Walk(Lbfgs(lr=lr), start), make(Sgd(momentum=0.0), len(start), np.float64)
    losses = [float(loss(start, x_ND, y_N))]
    while len(losses) <= work:
        rows = rng.choice(samples, size, replace=False)
        objective.batch = x_ND[rows], y_N[rows]
        if name.startswith("L-BFGS"):
            walk.step(objective)
        else:
            sgd.apply(walk.x, objective.loss_and_gradient(walk.x)[1], lr=lr)
        if (done := objective.gradients * size // samples) >= len(losses):
            losses += [float(loss(walk.x, x_ND, y_N))] * (done + 1 - len(losses))
    return np.array(losses[: work + 1])


def last_loss(name: str, work: int, samples: int, lr: float, seed: int) -> float:
    return float(trained(name, work, samples, lr, seed)[-1])


def steps_needed(left: list[float], part: float = 1e-20) -> str:
    """Of conjugate gradients, among those that were tried."""
    return str(next((k for k, rest in zip(PRODUCTS, [1.0, *left]) if rest < part), f"> {PRODUCTS[-1]}"))


def study(size: Size) -> Finding:
    newton = {c: max(part_left(Newton(form="pure"), c, seed) for seed in size.seeds) for c in CONDITIONS}
    expect(max(newton.values()) < 1e-20, f"Newton's step leaves {newton} of the loss")
    cg = {
        c: [max(part_left(HessianFree(iterations=k, tolerance=1e-15), c, s) for s in size.seeds) for k in PRODUCTS[1:]]
        for c in CONDITIONS
    }
    work, samples, settings = size(80, small=8), size(512, small=128), rates(0.1, 10.0, size(5, small=3))
    tuned = {name: tune(partial(last_loss, name, work, samples), settings, (10,)) for name in METHODS}
    runs = {
        name: np.array([trained(name, work, samples, found.setting, seed) for seed in size.seeds])
        for name, found in tuned.items()
    }
    expect(cg[10.0][PRODUCTS.index(D) - 1] < 1e-20, f"{D} steps of conjugate gradients leave {cg[10.0]}")
    expect(cg[1e4][PRODUCTS.index(D) - 1] > 1e-6, "rounding no longer costs conjugate gradients any steps")
    early, end = {name: run[:, work // 8] for name, run in runs.items()}, {n: run[:, -1] for n, run in runs.items()}
    full, small = "L-BFGS, all", "L-BFGS, batches of 64"
    if not size.small:  # whose steps are too few for this
        expect(end[full].max() < 1e-3 * end[small].min(), f"the losses at the end are {end}")
        expect(early[full].min() > early[small].max(), f"at first the losses are {early}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        curves(left, [(f"condition {c:.0e}", [1.0, *parts]) for c, parts in cg.items()], PRODUCTS)
        left.axvline(D, color="gray", lw=0.8)
        left.set(xlabel="steps of conjugate gradients (20 dimensions)", ylabel="part of the loss left", yscale="log")
        left.set_ylim(1e-26, 10)
        curves(right, runs.items())
        right.set(xlabel="work, in gradients of all 512 digits", ylabel="loss over all", yscale="log")

    return Finding(
        Verdict.IN_PART,
        f"One Newton step leaves {max(newton.values()):.0e} of the loss at any condition; 20 steps of conjugate "
        f"gradients leave {cg[10.0][3]:.0e} at condition 10, but {cg[1e4][3]:.0e} at 10⁴, where rounding makes it take "
        f"{steps_needed(cg[1e4])}; and L-BFGS ends at {np.median(end[full]):.0e} with all samples and at "
        f"{np.median(end[small]):.0e} with batches of 64, though these are ahead at an eighth of the work "
        f"({np.median(early[small]):.2f} against {np.median(early[full]):.2f}).",
        Table(
            ("method", "lr", "after an eighth", "at the end: lowest", "median", "highest"),
            [
                *((f"Newton, condition {c:.0e}: part left", 1.0, "", "", "", newton[c]) for c in CONDITIONS),
                *((f"CG, condition {c:.0e}: part left", "", "", "", "", cg[c][3]) for c in CONDITIONS),
                *(
                    (name, tuned[name].setting, np.median(early[name]), *np.quantile(end[name], (0.0, 0.5, 1.0)))
                    for name in METHODS
                ),
            ],
        ),
        draw,
    )
