"""Claim 11. Newton's method is drawn to saddle points, which descent leaves; the escape costs products with the
Hessian.

Lecture: optimisation, second-order methods and saddle points.

Pure Newton steps on x²/2 + y⁴/4 − y²/2, which has a saddle point and two minima, from 40 random points; and on the
loss of a network of 2, 3 and 1 tanh units (13 weights; 60 points, squared error, and 0.0005 of the squared weights),
from four initial values a seed. Stationary points are told apart by all eigenvalues. Then every way out begins at a
saddle point that Newton has found, and goes on until the loss has fallen by a tenth: ``optim.Newton`` within a trust
region and with |H|, ``optim.HessianFree``, and gradient descent at 1/λmax, from there and from 0.001 beside it. Work is
counted in gradients: a loss is a third of one, a Hessian-vector product two. No method has a rate to be tuned.

Dauphin et al. (2014), arXiv:1406.2572.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import nn
from ddtrain.diagnose.curvature.dense_hessian import hessian_eigenvalues
from ddtrain.optim import HessianFree, Newton, Sgd, make
from ddtrain.optim.batch_methods.protocol import BatchMethod
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS
from examples.lectures.quadratics._vectors import Array, VectorObjective, Walk, network

PURE = Newton(form="pure")
WAYS = {"Newton, trust region": Newton(), "Newton, |H|": Newton(form="damped"), "Hessian-free": HessianFree()}
MOST = 20_000  # gradients that gradient descent may take


def two_wells(x: Any) -> Any:
    return 0.5 * x[0] ** 2 + 0.25 * x[1] ** 4 - 0.5 * x[1] ** 2


def small_network(seed: int, start: int) -> tuple[VectorObjective, Array]:
    """The loss, of the data of a seed, and initial values."""
    rng = np.random.default_rng(seed)
    x_N2 = rng.uniform(-1, 1, (60, 2))
    y_N = np.sin(np.pi * x_N2[:, 0]) * x_N2[:, 1] + 0.1 * rng.standard_normal(60)
    net = nn.Sequential(nn.Linear(2, 3), nn.tanh(), nn.Linear(3, 1))
    loss, values = network(net, lambda model, x, y: 0.5 * (model(x)[:, 0] - y) ** 2, 100 * seed + start)
    return VectorObjective(lambda w, x, y: loss(w, x, y) + 0.0005 * (w @ w), x_N2, y_N), values


def settled(objective: VectorObjective, start: Array, method: BatchMethod = PURE, most: int = 60) -> tuple[str, Array]:
    """What kind of point a method ends at, and the point."""
    walk = Walk(method, start)
    for _ in range(most):
        walk.step(objective)
        if np.linalg.norm(objective.loss_and_gradient(walk.x)[1]) < 1e-9:
            values = hessian_eigenvalues(objective, walk.x)
            kind = "saddle point" if values[0] < 0 < values[-1] else "minimum" if values[0] > 0 else "maximum"
            return kind, walk.x
    return "none", walk.x


def out(method: BatchMethod, objective: VectorObjective, saddle: Array) -> float:
    """The work that it takes a method to lower the loss by a tenth."""
    walk, enough = Walk(method, saddle), 0.9 * objective.loss(saddle)
    spent = 0.0
    while objective.loss(walk.x) > enough:
        before = objective.work
        walk.step(objective)
        spent += objective.work - before
    return spent


def out_by_descent(objective: VectorObjective, saddle: Array, beside: float) -> float:
    """The same for gradient descent, from a distance of the saddle point."""
    x = saddle + beside * np.random.default_rng(0).standard_normal(len(saddle)) / len(saddle) ** 0.5
    lr, enough = 1 / float(hessian_eigenvalues(objective, x)[-1]), 0.9 * objective.loss(saddle)
    sgd, steps = make(Sgd(momentum=0.0), len(x), x.dtype), 0
    while steps < MOST:
        loss, gradient = objective.loss_and_gradient(x)
        if loss < enough:
            break
        sgd.apply(x, gradient, lr=lr)
        steps += 1
    return float(steps)


def study(size: Size) -> Finding:
    starts, count = size(40, small=8), size(4, small=1)
    wells = VectorObjective(two_wells)
    places = {seed: np.random.default_rng(seed).uniform(-1.5, 1.5, (starts, 2)) for seed in size.seeds}
    ends = {seed: [settled(wells, x)[0] for x in xs] for seed, xs in places.items()}
    share = np.array([np.mean([end == "saddle point" for end in ends[seed]]) for seed in size.seeds])
    expect(0 < share.mean() < 0.7, f"of two wells, {share} are drawn to the saddle point")
    networks = [small_network(seed, k) for seed in size.seeds for k in range(count)]
    found = [settled(*each) for each in networks]
    descended = [settled(*each, Newton(), 40)[0] for each in networks]
    expect("saddle point" not in descended, f"within a trust region Newton ends at {descended}")
    saddles = [(each, x) for (each, _), (kind, x) in zip(networks, found) if kind == "saddle point"]
    expect(
        len(saddles) > 0.8 * len(networks), f"in {len(networks)} networks Newton ends at {[kind for kind, _ in found]}"
    )
    work = {name: np.array([out(method, *saddle) for saddle in saddles]) for name, method in WAYS.items()}
    for name, beside in (("descent, from there", 0.0), ("descent, 0.001 beside", 1e-3)):
        work[name] = np.array([out_by_descent(*saddle, beside) for saddle in saddles])
    costs = {name: float(np.median(each)) for name, each in work.items()}
    expect(max(map(max, work.values())) < MOST, f"not all have left: {work}")
    expect(min(costs, key=lambda name: costs[name]) == "Hessian-free", f"the way out costs {costs}")
    expect(costs["descent, from there"] > 1.5 * costs["descent, 0.001 beside"], f"beside it, descent takes {costs}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        side = np.linspace(-1.5, 1.5, 61)
        left.contour(side, side, two_wells(np.meshgrid(side, side)), levels=20, linewidths=0.5, colors="gray")
        for kind, color, marker in zip(("minimum", "saddle point"), COLORS, "o^"):
            ended = np.array([x for seed in size.seeds for x, end in zip(places[seed], ends[seed]) if end == kind])
            left.plot(*ended.T, marker, color=color, ms=4, label=f"ends at a {kind}")
        left.set(xlabel="x", ylabel="y", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), title="starts of pure Newton")
        left.legend(fontsize=8, loc="upper left")
        for k, each in enumerate(work.values()):
            right.plot(each, k + np.linspace(-0.25, 0.25, len(each)), "o", color=COLORS[k], ms=3)
        right.set_yticks(range(len(work)), list(work))
        right.invert_yaxis()
        right.set(xlabel="gradients to lower the loss by a tenth", xscale="log", title="ways out")

    return Finding(
        Verdict.HOLDS,
        f"Pure Newton ends at a saddle point in {len(saddles)} of {len(networks)} networks, and from {share.min():.0%} "
        f"to {share.max():.0%} of all starts between two wells, a trust region never; a way down from there costs "
        f"{costs['Hessian-free']:.0f} gradients by Hessian-free steps, {costs['Newton, trust region']:.0f} within a "
        f"trust region, whose steps take {saddles[0][1].size} products each, and {costs['descent, from there']:.0f} by "
        f"gradient descent, {costs['descent, 0.001 beside']:.0f} if it begins 0.001 beside.",
        Table(
            ("way out of a saddle point", "gradients: lowest", "median", "highest"),
            [(name, *np.quantile(each, (0.0, 0.5, 1.0))) for name, each in work.items()],
        ),
        draw,
    )
