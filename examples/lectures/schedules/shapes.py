"""Claim 22. A learning rate that falls beats a constant one: in steps, exponentially, as 1/t, along a cosine, after a
warm-up, at plateaus, in cycles.

Lecture: optimisation, learning-rate schedules.

A perceptron with a hidden layer of 64 on 1,078 digits, six epochs in batches of 16 by SGD with momentum. Each schedule
is tried in six settings on two tuning seeds: the constant and the plain cosine at six rates, the others at three rates
in two shapes. 359 held-out images choose, and tell the plateau when to fall; 360 test images judge. Robbins, Monro
(1951); Loshchilov, Hutter (2016), arXiv:1608.03983; Smith (2015), arXiv:1506.01186; Goyal et al. (2017),
arXiv:1706.02677, for the warm-up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import ddtrain
from ddtrain.models import Mlp
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.normalization._digits import TUNING_SEEDS, digits, judged, tested, trained
from examples.lectures.normalization._steps import MEAN_OF, mean_loss
from examples.lectures.tuning import rates, tune

BATCH, STEPS_PER_EPOCH = 16, 68
WIDTHS = 64, 64, 10
PANELS = ("constant", "steps", "exponential", "1/t", "plateau"), ("constant", "cosine", "cosine, warm-up", "cycles")

Setting = tuple[float, tuple[tuple[str, Any], ...]]  # base rate, options of the schedule


def settings(steps: int) -> dict[str, list[Setting]]:
    """Six of each schedule, for a run of so many steps."""
    third, whole = {"decay_every": steps // 3}, {"decay_every": steps}
    up, triangle = {"name": "cosine"}, {"name": "cyclic", "peak": 10.0, "anneal": 0.5}
    return {
        "constant": six({"name": "constant"}),
        "steps": six(*({"name": "step", "factor": factor, **third} for factor in (0.5, 0.1))),
        "exponential": six(*({"name": "exponential", "factor": factor, **whole} for factor in (0.1, 0.01))),
        "1/t": six(*({"name": "inverse", "factor": factor, **whole} for factor in (10.0, 100.0))),
        "plateau": six(*({"name": "plateau", "factor": 0.3, "patience": patience} for patience in (0, 1))),
        "cosine": six({"name": "cosine"}),
        "cosine, warm-up": six(*({**up, "warmup_steps": steps // part} for part in (20, 5))),
        "cycles": six(*({**triangle, "half_period": steps // part} for part in (4, 8)), high=10.0),
    }


def six(*options: dict[str, Any], high: float = 1.0) -> list[Setting]:
    """Of one shape six highest rates, of each of two shapes three; ``high`` is the highest of a base rate of 1."""
    highest = rates(0.01, 0.5, 6) if len(options) == 1 else rates(0.03, 0.3, 3)
    return [(rate / high, tuple(one.items())) for one in options for rate in highest]


def run(setting: Setting, seed: int, epochs: int) -> ddtrain.Run | None:
    rate, options = setting
    watching = {"eval": {"every": 1}} if ("name", "plateau") in options else {}
    rest: dict[str, Any] = {"epochs": epochs, "schedule": dict(options)} | watching
    return trained(Mlp(WIDTHS), rate, seed, epochs * STEPS_PER_EPOCH, BATCH, tuning=True, **rest)


def study(size: Size) -> Finding:
    epochs, task = size(6, small=1), digits(Mlp(WIDTHS), tuning=True)
    steps = epochs * STEPS_PER_EPOCH
    known = settings(steps)
    runs = {}
    for name in ("constant", "exponential", "cosine") if size.small else known:
        score = lambda setting, seed: judged(run(setting, seed, epochs))
        best = known[name][1] if size.small else tune(score, known[name], TUNING_SEEDS).setting
        runs[name] = [run(best, seed, epochs) for seed in size.seeds]
    loss = {name: np.array([mean_loss(one, steps) for one in of]) for name, of in runs.items()}
    test = {name: np.median([tested(one, task)["loss"] for one in of]) for name, of in runs.items()}
    for name in set(runs) - {"constant", "plateau", "cycles"}:
        rate = np.array([one.history["lr"] for one in runs[name] if one])
        expect((rate[:, -1] < 0.6 * rate.max(axis=1)).all(), f"{name}: the rate does not fall")
    end = {name: float(np.median(of[:, -1])) for name, of in loss.items()}
    if not size.small:  # where none has time to fall for long
        for name in ("exponential", "cosine, warm-up", "cycles"):
            expect(test[name] < test["constant"], f"{name} is no better than a constant rate: {test}")
    better = [name for name in runs if test[name] < test["constant"]]
    worse = [name for name in runs if test[name] > test["constant"]]

    def draw(figure: Any) -> None:
        for axis, panel in zip(figure.subplots(1, 2, sharey=True), PANELS):
            lines = [(name, loss[name][:, ::4]) for name in panel if name in loss]
            curves(axis, lines, x=np.arange(MEAN_OF, steps + 1, 4))
            axis.set(yscale="log", xlabel="step")
        figure.axes[0].set_ylabel(f"training loss [nats], mean of {MEAN_OF} steps")

    fell = [len(set(one.history["lr"])) > 1 for one in runs.get("plateau", ()) if one]
    waited = f" The plateau waits for evaluations, one an epoch; its rate fell with {sum(fell)} of {len(fell)} seeds."
    told = [", ".join(f"{name} {test[name]:.3f}" for name in names) or "none" for names in (better, worse)]
    return Finding(
        Verdict.IN_PART if worse else Verdict.HOLDS,
        f"Medians over {len(size.seeds)} seeds: the best constant rate has a test loss of {test['constant']:.3f}. "
        f"Better: {told[0]}. Not better: {told[1]}.{waited if fell else ''}",
        Table(
            ("schedule", "training loss", "test loss", "% wrong"),
            [
                [name, end[name], test[name], np.median([100 - 100 * tested(one, task)["accuracy"] for one in of])]
                for name, of in runs.items()
            ],
        ),
        draw,
    )
