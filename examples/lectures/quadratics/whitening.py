"""Claim 4. Whitening conditions the loss better than standardising does, so that gradient descent needs fewer steps.

Lecture: optimisation, the normalisation of inputs.

Digits of 8 × 8 pixels: as they are (0 to 16), ``data.Standardize``d, and ``data.Whiten``ed, to all 61 components that
vary and to the first 30. Linear regression of the ten classes with a bias has its steps worked out from (1 − αλ)^k, at
the best constant rate, until the squared error is within 1 % of the variance of its minimum.
A network of 64, 32 and 10 ReLU units then takes 128 steps with momentum 0.9 in batches of 64 on 1,000 digits, at the
best of seven learning rates by its training loss, on two other seeds; its losses are taken on the digits that it has
seen and on the 360 that were held out.

LeCun, Bottou, Orr, Müller (1998), "Efficient BackProp", section 4.3.
"""

# N samples, D features

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ddtrain import Task, ops
from ddtrain.data import ArrayData, Standardize, Whiten, digits
from ddtrain.models import Mlp
from ddtrain.optim import Sgd
from examples.lectures.claims import Finding, Size, Table, Verdict, expect
from examples.lectures.figures import curves
from examples.lectures.quadratics._steps import linear_regression
from examples.lectures.training import fitted
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
PREPARED: dict[str, Callable[[ArrayData], Callable[[Array], Array]]] = {
    "as they are": lambda data: lambda x_ND: x_ND,
    "standardised": lambda data: Standardize.fit(data),
    "whitened": lambda data: Whiten.fit(data, components=61),
    "whitened, 30": lambda data: Whiten.fit(data, components=30),
}


def inputs(name: str, samples: int) -> tuple[Array, Array]:
    """Training and test digits, (N, D), prepared by what the training digits are like."""
    images = digits()
    seen, new = (x.reshape(len(x), 64).astype(np.float32) for x in (images.x_train[:samples], images.x_test))
    prepare = PREPARED[name](ArrayData(seen))
    return prepare(seen), prepare(new)


def trained(name: str, epochs: int, samples: int, lr: float, seed: int) -> dict[str, Array]:
    """(epochs,) losses and accuracies, by name; infinite losses where it diverged."""
    (seen, new), images = inputs(name, samples), digits()

    def loss(model: Any, x_ND: Array, y_N: Array) -> Any:
        scores = model(x_ND)
        return ops.cross_entropy(scores, y_N), {"accuracy": ops.correct(scores, y_N)}

    sets = {"seen": (seen, images.y_train[:samples]), "new": (new, images.y_test)}
    task = Task(Mlp((seen.shape[1], 32, 10)), loss, train=sets["seen"], valid=sets)
    run = fitted(
        task,
        epochs=epochs,
        seed=seed,
        batch_size=64,
        optim=Sgd(lr=lr),
        schedule={"name": "constant"},
    )
    if run is None:
        return dict.fromkeys(("valid_seen_loss", "valid_new_loss", "valid_new_accuracy"), np.full(epochs, np.inf))
    return dict(run.history)


def last_loss(name: str, epochs: int, samples: int, lr: float, seed: int) -> float:
    return float(trained(name, epochs, samples, lr, seed)["valid_seen_loss"][-1])


def study(size: Size) -> Finding:
    samples, epochs, settings = 1000, size(8, small=1), rates(0.003, 3.0, size(7, small=3))
    seeds = (10, 11)[: size(2, small=1)]
    classes = np.eye(10)[digits().y_train[:samples]]
    linear = {name: linear_regression(inputs(name, samples)[0].astype(np.float64), classes) for name in PREPARED}
    lrs = {name: tune(partial(last_loss, name, epochs, samples), settings, seeds).setting for name in PREPARED}
    runs = {name: [trained(name, epochs, samples, lrs[name], seed) for seed in size.seeds] for name in PREPARED}
    seen, new, right = (
        {name: np.array([run[figure] for run in each]) for name, each in runs.items()}
        for figure in ("valid_seen_loss", "valid_new_loss", "valid_new_accuracy")
    )
    expect(linear["whitened"][2] < 5 < 0.2 * linear["standardised"][2], f"of linear regression: {linear}")
    first, end, test = (
        {name: np.median(each[name][:, k]) for name in PREPARED} for each, k in ((seen, 0), (seen, -1), (new, -1))
    )
    if not size.small:  # whose rates are too few, and whose epochs
        expect(first["whitened"] > 1.5 * first["standardised"], f"after an epoch the network's losses are {first}")
        expect(test["whitened"] > 1.2 * test["standardised"], f"its test losses are {test}")

    def draw(figure: Any) -> None:
        for axis, losses, what in zip(figure.subplots(1, 2), (seen, new), ("digits seen", "digits held out")):
            curves(axis, losses.items(), np.arange(1, epochs + 1))
            axis.set(xlabel="epoch of 16 steps", ylabel=f"loss of {what} (nats)", yscale="log")

    return Finding(
        Verdict.IN_PART,
        f"It holds for linear regression: the condition is {linear['whitened'][0]:.1f} of whitened digits (steps: "
        f"{linear['whitened'][2]:.0f}), {linear['standardised'][0]:.0f} of standardised ones "
        f"({linear['standardised'][2]:.0f}) and {linear['as they are'][0]:.0e} of pixels as they are "
        f"({linear['as they are'][2]:.0e}). A network is slower at first with whitened digits (loss "
        f"{first['whitened']:.2f} against {first['standardised']:.2f} after an epoch), then fits them a little better "
        f"({end['whitened']:.4f}, {end['standardised']:.4f}), and new ones worse ({test['whitened']:.2f}, "
        f"{test['standardised']:.2f}), as pixels that hardly vary are blown up; with 30 components "
        f"{test['whitened, 30']:.2f}.",
        Table(
            ("inputs", "condition", "linear: steps", "network: lr", "loss, 1st epoch", "last", "test loss", "accuracy"),
            [
                (
                    name,
                    linear[name][0],
                    linear[name][2],
                    lrs[name],
                    first[name],
                    end[name],
                    test[name],
                    np.median(right[name][:, -1]),
                )
                for name in PREPARED
            ],
        ),
        draw,
    )
