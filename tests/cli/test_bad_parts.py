"""Parts and data that do not fit: one line that names the setting, the value and the remedy, before the first step.

What would make these fail: a traceback in place of a line, an error only in the step that draws the sample, a message
that leaves the reader to guess which option it means.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import nn, ops
from ddtrain.data import ArrayData, Subset, Whiten
from ddtrain.recipes import RECIPES
from ddtrain.trainer.config.config import Config, Data
from ddtrain.trainer.main import Recipe, run
from ddtrain.trainer.task import Task

R = np.random.default_rng(0)
X, LABELS = R.standard_normal((500, 6)), R.integers(0, 4, 500)
SHARES = R.dirichlet(np.ones(4), 500)


def changed(x: Any, row: int, value: Any) -> Any:
    x = x.copy()
    x[row] = value
    return x


def classified(targets: Any, valid: bool = False) -> Task:
    loss = lambda model, x, y: ops.cross_entropy(model(x), y)
    good = ArrayData(X, LABELS)
    return Task(nn.Linear(6, 4), loss, good if valid else (X, targets), ArrayData(X, targets) if valid else good)


def too_long() -> Task:
    model = nn.Sequential(nn.Embedding(9, 4), nn.LearnedPositions(5, 4), nn.Linear(4, 9))
    tokens = R.integers(0, 9, (20, 8))
    return Task(model, lambda model, x: ops.cross_entropy(model(x), x).sum(axis=1), (tokens,))


def whitened() -> Task:
    few = ArrayData(X[:4], LABELS[:4])
    return classified(Whiten.fit(few)(X))


TASKS: dict[str, Callable[[], Task]] = {
    "labels from 1": lambda: classified(LABELS + 1),
    "one label": lambda: classified(changed(LABELS, 321, 4)),
    "one label below": lambda: classified(changed(LABELS, 321, -1)),
    "one label of validation": lambda: classified(changed(LABELS, 321, 4), valid=True),
    "one sum": lambda: classified(changed(SHARES, 77, [0.5, 0.0, 0.0, 0.0])),
    "a subset": lambda: Task(nn.Linear(6, 4), classified(LABELS).loss, subset()),
    "an image": lambda: classified(LABELS),
    "positions": too_long,
    "whitening": whitened,
}


def subset() -> Subset:
    return Subset(ArrayData(X, changed(LABELS, 321, 4)), np.arange(300, 400))


LABEL = "cross_entropy: label {} at position 0 is outside [0, 4) (1 of 1 are): Labels are classes counted from 0"
CASES = [
    ("digits_mlp", "--optim.name adm", "--optim.name: 'adm' is none of sgd", "Did you mean adam?"),
    ("digits_mlp", "--schedule.name cosin", "--schedule.name: 'cosin' is none of", "Did you mean cosine?"),
    ("digits_mlp", "--average.name emaa", "--average.name: 'emaa' is none of", "Did you mean ema?"),
    ("digits_mlp", "--init.weights he_norml", "--init.weights 'he_norml': there is no init", "Did you mean he_normal?"),
    ("digits_mlp", "--data.augment flp", "--data.augment 'flp': there is no augment 'flp'", "Did you mean flip?"),
    ("digits_mlp", "--optim.beta1 0.9", "--optim.beta1 is no option of sgd", "It belongs to adam"),
    ("digits_mlp", "--average.decay 0.9", "--average.decay is no option of none", "It belongs to ema."),
    ("digits_mlp", "--data.augment flip(padding=2)", "padding is no option of flip", "It belongs to crop."),
    (
        "digits_mlp",
        "--init.weights zeros(std=1)",
        "--init.weights 'zeros(std=1)': std is no option",
        "It belongs to normal",
    ),
    ("digits_mlp", "--init.weights convv*:zeros", "no weight's path matches 'convv*'", "model's are layers.0.weight"),
    ("digits_mlp", "--optim.groups convv*:lr=1", "--optim.groups: 'convv*' matches no parameter", "nearest is"),
    ("digits_mlp", "--optim.lr -1", "--optim.lr -1.0 is out of range", "Give a finite number, 0 or more."),
    ("digits_mlp", "--optim.lr nan", "--optim.lr nan is out of range", "Give a finite number, 0 or more."),
    ("digits_mlp", "--optim.momentum 1.5", "--optim.momentum 1.5 is out of range", "Give at least 0 and below 1."),
    ("digits_mlp", "--schedule.warmup-steps 1000", "1000 is more than the 690 steps of the run", "Give fewer"),
    (
        "digits_mlp",
        "--average.name swa --average.start 9999",
        "--average.start 9999 is after the 690 steps",
        "Give an earlier",
    ),
    (
        "fashion_cnn",
        "--data.augment crop(padding=2000)",
        "--data.augment 'crop(padding=2000)': crop(padding=2000): the border is wider than the images, 28 x 28",
        "Give at most 28 pixels.",
    ),
    (
        "digits_mlp",
        "--data.augment flip",
        "--data.augment 'flip': augment: flip takes images",
        "before they are flattened",
    ),
    ("digits_mlp", "--init.weights normal(std=-1)", "normal(std=-1.0) is out of range", "Give a finite number"),
    (
        "digits_mlp",
        "--init.weights identity",
        "--init.weights 'identity': identity: there is no identity of shape (64, 128)",
        "use orthogonal for other shapes.  layer 'layers.0.weight'",
    ),
    ("digits_mlp", "--init.weights orthogonal(gain=x)", "orthogonal(gain=x): expected a number", ""),
    ("fashion_cnn", "--data.augment rotate(400)", "rotate takes its options by name", "Name the argument: rotate(degr"),
    ("digits_mlp", "--optim.groups *.bias:weight_decy=0", "'*.bias:weight_decy=0': weight_decy", "mean weight_decay?"),
    ("digits_mlp", "--data.inputs whiten(components=70)", "--data.inputs 'whiten(components=70", "Give 0 (all) to 64."),
    ("digits_mlp", "--data.augment color_shift", "--data.augment 'color_shift': augment: color_shift takes", ""),
    ("digits_mlp", "--model.activation max", "--model.activation 'max' makes one number of 4", "such as relu"),
    ("digits_mlp", "--model.activation leaky_relu", "--model.activation: 'leaky_relu' is none", "mean leakyrelu?"),
    ("digits_mlp", "--model.norm beside", "--model.norm: 'beside' is none of before, after, none", ""),
    (
        "an image",
        "--data.augment mixup",
        "--data.augment 'mixup': augment: mixup makes soft targets",
        "Task(classes=10)",
    ),
    ("labels from 1", "", "the training data: " + LABEL.format(4), "as wide as there are classes?"),
    ("one label", "", "the training data: " + LABEL.format(4), "sample 321"),
    ("one label", "--comm.backend threads:3", "the training data: " + LABEL.format(4), "sample 321"),
    ("one label below", "", "the training data: " + LABEL.format(-1), "sample 321"),
    ("one label of validation", "", "the validation data: " + LABEL.format(4), "sample 321"),
    ("one sum", "", "the training data: cross_entropy: the soft targets of sample 0 sum to 0.5", "sample 77"),
    ("a subset", "", "the training data: " + LABEL.format(4), "sample 21"),
    (
        "an image",
        "--data.augment cutout(size=2)",
        "--data.augment 'cutout(size=2)': augment: cutout takes images",
        "leave it out",
    ),
    ("positions", "", "beyond the 5 that have vectors", "as many positions as the longest sequence"),
    ("whitening", "", "whiten: 4 samples are fewer than their 6 dimensions", "Give more samples"),
]


@pytest.mark.parametrize(("recipe", "options", "said", "remedy"), CASES, ids=lambda text: text[:40])
def test_one_line_before_the_first_step(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], recipe: str, options: str, said: str, remedy: str
) -> None:
    own = {name: Recipe(Config(data=Data(batch_size=7)), lambda config: TASKS[recipe](), "") for name in TASKS}
    code = run([recipe, "--run.dir", str(tmp_path / "run"), *options.split()], {**RECIPES, **own})
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("ddtrain: error: ")
    assert said in line
    assert remedy in line
    assert code == (74 if recipe == "whitening" else 2)  # of data that cannot be used, and of all else
    metrics = tmp_path / "run" / "metrics.jsonl"
    assert not metrics.exists() or not [line for line in metrics.read_text().splitlines() if "loss" in json.loads(line)]
