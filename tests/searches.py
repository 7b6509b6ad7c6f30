"""Small searches that several tests make: a straight line to be found by gradient descent, in milliseconds a trial."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain import nn, ops
from ddtrain.comm import call_on_ranks
from ddtrain.search.settings import make_settings
from ddtrain.search.space import make_space
from ddtrain.search.study import Study
from ddtrain.trainer.config.config import Config, Data, Run
from ddtrain.trainer.task import Task

SLOPES = np.array([1.0, -2.0, 0.5])
LR = {"optim.lr": {"log_uniform": [1e-3, 0.3]}}


@dataclass(frozen=True)
class Model:
    """The model."""

    hidden: int = 4
    """Units."""


@dataclass(frozen=True)
class LineConfig(Config):
    """A run that finds a line."""

    run: Run = Run(epochs=2, dtype="float64")
    data: Data = Data(batch_size=16)
    model: Model = field(default=Model())


class Net(nn.Module):
    def __init__(self, hidden: int) -> None:
        self.first = nn.Linear(3, hidden)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Any) -> Any:
        return self.head(ops.tanh(self.first(x)))[:, 0]


def line_task(config: Any) -> Task:
    """96 samples to learn from, and 40 to evaluate on."""
    x = np.random.default_rng(0).standard_normal((136, 3))
    y = np.tanh(x @ SLOPES)
    loss = lambda model, x, y: ((model(x) - y) ** 2, {"close": np.abs(ops.stop_gradient(model(x)) - y) < 0.1})
    return Task(Net(config.model.hidden), loss, train=(x[:96], y[:96]), valid=(x[96:], y[96:]))


def study(
    directory: Path,
    space: Mapping[str, Any] | None = None,
    *,
    config: Config | None = None,
    build: Callable[[Any], Task] = line_task,
    tell: Callable[[str], None] = lambda line: None,
    warn: Callable[[str], None] = lambda line: None,
    **settings: Any,
) -> Study:
    """A search in a directory."""
    config = (config or LineConfig()).updated({"run": {"dir": str(directory)}})
    told = make_settings(config, **settings)
    return Study("line", build, config, make_space(space or LR, config), told, tell, warn)


def search(directory: Path, *args: Any, backend: str = "local", **options: Any) -> dict[str, Any]:
    """The summary of a search, on the ranks of a backend."""
    call_on_ranks(backend, study(directory, *args, **options))
    return summary(directory)


def summary(directory: Path) -> dict[str, Any]:
    """What a search has found, without the time that it took."""
    found: dict[str, Any] = json.loads((directory / "summary.json").read_text())
    for trial in found["trials"]:
        del trial["seconds"]
    return found
