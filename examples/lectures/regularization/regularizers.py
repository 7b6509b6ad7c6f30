"""Claim 28. Dropout, averages of models, and augmented data each lower the error on new data.

Lecture: regularisation, dropout, ensembles, augmentation.

A perceptron of 128 hidden units on 1,000 pictures of clothes, 14×14 pixels, with batches of 50, momentum 0.9 and a rate
that falls along a cosine: for 10 epochs, which leave something to learn, and for 40, after which it knows nearly all
by heart. At either length each method has four settings, pairs of a rate and a strength of its own (a perceptron by
itself, four rates), of which 1,000 other pictures and another seed choose one; errors are of 4,000 more. An ensemble
is of five perceptrons of different seeds, with the setting of one by itself; a mean of weights is exponential.

Srivastava et al. (2014), JMLR 15; Lakshminarayanan et al., arXiv:1612.01474; Polyak, Juditsky (1992).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import ddtrain
from ddtrain import nn, optim
from ddtrain.models import Mlp
from ddtrain.recipes.common import classify
from examples.lectures.batches._clothes import Clothes, Trained, clothes, train
from examples.lectures.claims import ClaimError, Finding, Size, Table, Verdict, expect
from examples.lectures.figures import COLORS
from examples.lectures.tuning import rates, tune

Array = np.ndarray[Any, Any]
MEMBERS = 5
ALONE, MOVED, MOVED_AUGMENTED = "by itself", "by itself, moved pictures", "augmentation, moved pictures"
METHODS = ("dropout", "ensemble", "mean of weights", "augmentation")
SETTINGS: Mapping[str, Sequence[tuple[float, Any]]] = {  # rates, and strengths
    ALONE: [(lr, None) for lr in rates(0.01, 0.3, 4)],
    "dropout": [(lr, rate) for rate in (0.2, 0.5) for lr in (0.03, 0.1)],
    "augmentation": [(lr, calls) for calls in ("flip", "crop(padding=1)") for lr in (0.03, 0.1)],
    "mean of weights": [(lr, decay) for decay in (0.99, 0.998) for lr in (0.03, 0.1)],
}


LENGTHS = (10, 40)  # epochs


class Study(NamedTuple):
    """How methods are compared: for how many epochs, and on how many pictures."""

    epochs: int
    size: Size

    @property
    def pictures(self) -> Clothes:
        return clothes(self.size(1000, small=300), test=self.size(4000, small=1000))

    def trained(self, method: str, setting: tuple[float, Any], seed: int) -> Trained | None:
        """A network trained by a method; None where it diverged."""
        lr, strength = setting
        options: dict[str, Any] = {
            "optim": optim.Sgd(lr=lr, momentum=0.9),
            "schedule": {"name": "cosine"},
            "epochs": self.epochs,
            "batch_size": 50,
            "seed": seed,
            "data": {"augment": strength if method == "augmentation" else ""},
            "average": {"name": "ema", "decay": strength} if method == "mean of weights" else {"name": "none"},
        }
        model = Mlp((196, 128, 10), dropout=strength if method == "dropout" else 0.0)
        return train(nn.Sequential(nn.Flatten(), model), self.pictures, options)

    def chosen(self, method: str) -> tuple[float, Any]:
        def error(setting: tuple[float, Any], seed: int) -> float:
            found = self.trained(method, setting, seed)
            return math.inf if found is None else found.valid

        settings = SETTINGS[method][1:2] if self.size.small else SETTINGS[method]
        found: tuple[float, Any] = tune(error, settings, seeds=(50,)).setting
        return found

    def ensemble(self, members: Sequence[Trained]) -> float:
        """The error in percent of the mean of the members' probabilities."""
        x, y = self.pictures.test
        logits = [np.asarray(ddtrain.predict(member.net, x), np.float64) for member in members]
        each = [np.exp(one - np.logaddexp.reduce(one, axis=1, keepdims=True)) for one in logits]
        return 100 * float(np.mean(np.argmax(sum(each), axis=1) != y))

    def moved(self, found: Trained, call: str) -> float:
        """The error in percent on test pictures that are all changed as an augmentation changes some."""
        x, y = self.pictures.test
        x = x[:, :, ::-1] if call == "flip" else np.roll(x, 1, axis=2)
        return 100 * (1 - ddtrain.evaluate(found.net, classify, (np.ascontiguousarray(x), y))["accuracy"])

    def errors(self) -> dict[str, Array]:
        """In percent, a row a seed: of each method, of the five perceptrons by themselves, and on moved pictures."""
        best = {method: self.chosen(method) for method in SETTINGS}

        def reached(method: str, seed: int) -> Trained:
            found = self.trained(method, best[method], seed)
            if found is None:
                raise ClaimError(f"{method} diverges with the setting that was chosen, {best[method]}")
            return found

        alone = [
            [reached(ALONE, seed + 10 * k) for k in range(self.size(MEMBERS, small=2))] for seed in self.size.seeds
        ]
        found = {method: [reached(method, seed) for seed in self.size.seeds] for method in SETTINGS if method != ALONE}
        call = best["augmentation"][1]
        return {
            ALONE: np.array([[member.test for member in members] for members in alone]),
            **{method: np.array([[one.test] for one in of_method]) for method, of_method in found.items()},
            "ensemble": np.array([[self.ensemble(members)] for members in alone]),
            MOVED: np.array([[self.moved(members[0], call)] for members in alone]),
            MOVED_AUGMENTED: np.array([[self.moved(one, call)] for one in found["augmentation"]]),
        }


def study(size: Size) -> Finding:
    lengths = LENGTHS[:1] if size.small else LENGTHS
    errors = {epochs: Study(epochs, size).errors() for epochs in lengths}
    gains = {epochs: {name: found[ALONE].mean() - found[name] for name in METHODS} for epochs, found in errors.items()}
    of_members = np.array([found[ALONE].mean(axis=1) - found["ensemble"][:, 0] for found in errors.values()])
    of_moved = np.array([found[MOVED] - found[MOVED_AUGMENTED] for found in errors.values()])
    expect((of_moved > 10).all(), f"augmentation does not help on pictures that are moved: {of_moved}")
    expect(of_members.mean() > 0, f"ensembles are no better than their members: {of_members}")
    if not size.small:  # where 24 steps teach little, whatever is done
        expect((of_members[0] > 0).all(), f"an ensemble is no better than its members: {of_members[0]}")
        small = {name: max(abs(np.median(of_length[name])) for of_length in gains.values()) for name in METHODS[:3]}
        expect(max(small.values()) < 1, f"a method changes errors by a point: {small}")
        expect(all(np.median(each["augmentation"]) < 0 for each in gains.values()), f"augmentation helps: {gains}")

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(2, 1))
        for k, (epochs, found) in enumerate(errors.items()):
            for at, name in enumerate((ALONE, *METHODS)):
                look = {"color": COLORS[k], "ls": "", "marker": "os"[k], "ms": 4}
                label = f"{epochs} epochs" if name == ALONE else None
                left.plot(found[name].ravel(), [at + 0.2 * k] * found[name].size, **look, label=label)
            for at, name in enumerate((MOVED, MOVED_AUGMENTED)):
                right.plot([at + 0.1 * k] * len(found[name]), found[name].ravel(), **look)
        left.set_yticks(range(len(METHODS) + 1), (ALONE, *METHODS))
        left.invert_yaxis()
        left.set(xlabel="test error, %")
        left.legend(fontsize=8)
        right.set_xticks((0, 1), ("by itself", "augmented"))
        right.set(ylim=(0, None), xlim=(-0.5, 1.5), ylabel="error, all test pictures changed, %")

    def told(name: str) -> str:
        of_name = [one[name] for one in gains.values()]
        return f"{np.median(of_name):+.1f} ({min(map(np.min, of_name)):+.1f} to {max(map(np.max, of_name)):+.1f})"

    return Finding(
        Verdict.IN_PART,
        f"A perceptron by itself errs by {np.mean([found[ALONE].mean() for found in errors.values()]):.1f} %. Points "
        f"gained: dropout {told('dropout')}, five perceptrons {told('ensemble')}, a mean of weights "
        f"{told('mean of weights')}, augmentation {told('augmentation')}: the first three change little, and the last "
        "does harm, as all these pictures stand upright in the middle, facing one way. Where new pictures do not, it "
        f"is what helps: if all of them are changed as it changes some, errors fall by {of_moved.min():.0f} to "
        f"{of_moved.max():.0f} points.",
        Table(
            ("method, epochs", "median error, %", "lowest", "highest", "gained, points"),
            [
                (
                    f"{name}, {epochs}",
                    np.median(each),
                    each.min(),
                    each.max(),
                    np.median(gains[epochs][name]) if name in METHODS else "",
                )
                for epochs, found in errors.items()
                for name, each in found.items()
            ],
        ),
        draw,
    )
