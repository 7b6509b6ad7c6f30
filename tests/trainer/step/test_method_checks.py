"""What methods of the whole batch cannot work with is one line before the first step, on every rank."""

from __future__ import annotations

import math
from typing import Any

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain import data, nn, ops
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim import BatchMethod, Bfgs, Newton, Optim
from ddtrain.recipes.common import classify
from ddtrain.trainer.config.config import Data
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.step import method_checks
from ddtrain.trainer.step.method_checks import memory_of_machine
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import CLASSES, FEATURES, SAMPLES, Net, Plain, make_task, sgd_config
from worlds import World

NAMES = [name for name, part in Optim.parts.items() if issubclass(part, BatchMethod)]


def built(task: Task, name: str, comm: Any = None, **options: Any) -> Any:
    return build_step(comm or LocalCommunicator(), task, sgd_config(SAMPLES, optim=Optim(name=name, **options)))


def pictures(dataset: Any = None) -> Task:
    x, y = onp.ones((4, 3, 3, 1)), onp.arange(4) % 2
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 2))
    return Task(model, classify, train=data.ArrayData(x, y) if dataset is None else dataset(data.ArrayData(x, y)))


@pytest.mark.parametrize("name", NAMES)
def test_augmented_samples_are_refused_unless_they_are_wanted(name: str) -> None:
    for minibatch in (False, True):
        method = Optim(name=name, minibatch=minibatch)
        config = sgd_config(optim=method, data=Data(batch_size=4, augment="flip"))
        if minibatch:
            Trainer(LocalCommunicator(), config, pictures())
            continue
        with pytest.raises(
            UsageError, match=f"{name} wants the same samples .* --data.augment 'flip' changes"
        ) as caught:
            Trainer(LocalCommunicator(), config, pictures())
        assert "--optim.minibatch" in str(caught.value)


def test_a_data_set_that_draws_is_named() -> None:
    with pytest.raises(UsageError, match=r"the training data \(Augmented\) changes them from epoch to epoch"):
        built(pictures(lambda dataset: data.Augmented(dataset, "flip")), "lbfgs")


@pytest.mark.parametrize("spec", ["local", "threads:3"])
@pytest.mark.parametrize("name", ["line_search", "newton", "gauss_newton"])
def test_dropout_is_refused_by_path_and_rate_unless_it_is_wanted(name: str, spec: str) -> None:
    with pytest.raises(
        UsageError, match=rf"{name} wants the same loss .* layer 'dropout' \(Dropout, rate 0.2\)"
    ) as caught:
        World(spec).run(lambda comm: built(make_task(), name, comm))
    assert "on rank" not in caught.value.message, "all ranks alike"
    World(spec).run(lambda comm: built(make_task(Net(dropout=0.0)), name, comm) and None)
    World(spec).run(lambda comm: built(make_task(), name, comm, minibatch=True) and None)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (
            nn.Sequential(nn.Linear(FEATURES, CLASSES), nn.Sequential(nn.Dropout(0.5))),
            r"layer '1.0' \(Dropout, rate 0.5",
        ),
        (nn.GRU(FEATURES, CLASSES, 2, dropout=0.1), r"draws random numbers in training"),
    ],
)
def test_whatever_draws_is_found(model: nn.Module, said: str) -> None:
    def loss(model: Any, x: Any, y: Any) -> Any:
        out = model(x[:, None]) if isinstance(model, nn.GRU) else model(x)
        return ops.cross_entropy(out[0][:, 0] if isinstance(out, tuple) else out, y)

    with pytest.raises(UsageError, match=said):
        built(Task(model, loss, train=make_task().train), "lbfgs")


def test_a_loss_that_draws_is_found() -> None:
    def loss(model: Any, x: Any, y: Any) -> Any:
        noise = model.run.uniform("noise", x.shape) if model.run.training else 0.0
        return ops.cross_entropy(model(x + noise), y)

    with pytest.raises(UsageError, match="the loss or the model, for 'noise', draws random"):
        built(Task(Plain(), loss, train=make_task().train), "lbfgs")


def square_by(**rule: Any) -> Any:
    return ops.custom_activation(lambda x: x * x, name="sq", **rule)


class Squared(Plain):
    """A perceptron whose activation has a name of its own."""

    def __init__(self, square: Any) -> None:
        super().__init__()
        self.square = square

    def forward(self, x: Any) -> Any:
        return self.head(self.square(self.first(x)))


BY_VJP = square_by(vjp=lambda g, ans, x: 2 * g * x)
BY_JACOBIAN = square_by(jacobian=lambda x: np.eye(10) * (2 * x)[..., None])


@pytest.mark.parametrize("minibatch", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_an_operation_without_forward_mode(name: str, minibatch: bool) -> None:
    """Refused by those that take products with a matrix, and by no other."""
    wants = {"newton", "hessian_free", "gauss_newton", "levenberg_marquardt"}
    built(make_task(Squared(BY_JACOBIAN)), name, minibatch=minibatch)
    if name not in wants:
        built(make_task(Squared(BY_VJP)), name, minibatch=minibatch)
        return
    with pytest.raises(
        UsageError, match=f"--optim.name {name} needs forward mode, which operation 'sq' lacks"
    ) as caught:
        built(make_task(Squared(BY_VJP)), name, minibatch=minibatch)
    assert "--optim.products difference" in caught.value.one_line


def test_differences_of_gradients_need_no_forward_mode() -> None:
    built(make_task(Squared(BY_VJP)), "hessian_free", products="difference")


def test_another_error_of_the_trial_is_left_to_the_step() -> None:
    def loss(model: Any, x: Any, y: Any) -> Any:
        raise ValueError("not here")

    built(Task(Plain(), loss, train=make_task().train), "newton")


@pytest.mark.parametrize("spec", ["local", "nodes:00"])
def test_vectors_beyond_the_machines_memory_are_refused(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """114 parameters of 8 bytes; BFGS has 2 + 2 · 100 vectors, and five more in a step; ranks divide the memory."""
    task, ranks = make_task(Plain()), World(spec).size
    n = sum(math.prod(declaration.shape) for declaration in task.model.declarations().values())
    assert n == 114
    needed = 207 * n * 8
    for memory in (needed * ranks, needed * ranks - 8):
        monkeypatch.setattr(method_checks, "memory_of_machine", lambda memory=memory: memory)
        if memory == needed * ranks:
            World(spec).run(lambda comm: built(task, "bfgs", comm) and None)
            continue
        with pytest.raises(
            UsageError, match=r"--optim.name bfgs: 207 vectors of 114 parameters take .* GB a rank"
        ) as caught:
            World(spec).run(lambda comm: built(task, "bfgs", comm) and None)
        assert "Give --optim.history 99, or less" in str(caught.value)
        World(spec).run(lambda comm: built(task, "bfgs", comm, history=99) and None)
        World(spec).run(lambda comm: built(task, "lbfgs", comm) and None)


def test_the_estimate_is_in_gigabytes() -> None:
    with pytest.raises(UsageError, match=r"207 vectors of 1,000,000 parameters take 0\.8 GB a rank, of 0\.5 GB"):
        Bfgs().check_size(10**6, 4, 0.5e9)
    with pytest.raises(UsageError, match="Take a smaller model, or fewer ranks"):
        Bfgs().check_size(10**6, 4, 1e6)
    Bfgs().check_size(10**6, 4, 0.9e9)
    Newton().check_size(100, 4, 1.0)  # has an option of its own
    assert memory_of_machine() > 2**20
