"""What a task is made of, what is said of anything else, and how ranks see that they have the same data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ddtrain import data, nn
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim import Sgd
from ddtrain.trainer.config.config import Config, Data
from ddtrain.trainer.task import Task, augmented, build_task, describe_data, verify_same_data
from helpers import train
from worlds import World

X, Y = np.arange(12.0).reshape(6, 2), np.arange(6)


def loss(model: Any, x: Any, y: Any = 0) -> Any:
    return (model(x)[:, 0] - y) ** 2


class Own:
    """A data set of somebody's own, without a checksum."""

    def __init__(self, x: Any, noise: Any = None) -> None:
        self.x, self.noise = x, noise

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Any) -> tuple[Any, ...]:
        x = self.x[indices]
        return (x if self.noise is None else x + self.noise.standard_normal(x.shape),)


@pytest.mark.parametrize("given", [(X, Y), (X,), X])
def test_arrays_become_a_data_set(given: Any) -> None:
    task = Task(nn.Linear(2, 1), loss, given, given)
    assert isinstance(task.train, data.ArrayData)
    assert isinstance(task.valid, data.ArrayData)
    np.testing.assert_array_equal(task.train.batch(np.array([1]))[0], X[1:2])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": nn.Linear}, "model is the class Linear, not an nn.Module: Make one of the class."),
        ({"model": None}, "model is nothing"),
        ({"loss": 3}, "loss is an int, not a function"),
        ({"train": None}, "train is nothing, not a data set: Give ddtrain.ArrayData(x, y)"),
        ({"train": {"x": X}}, "train is a dict"),
        ({"train": [(X[0], Y[0])]}, "train is a list"),
        ({"train": (X, [0] * 6)}, "train is a tuple"),
        ({"valid": ()}, "valid is a tuple"),
        ({"valid": Own}, "valid is the class Own"),
        ({"train": (X[:0], Y[:0])}, "the training data is empty: Give it at least one sample."),
        ({"valid": Own(X[:0])}, "the validation data is empty: Give it at least one sample, or none: valid=None."),
        ({"derived": {"loss": max}}, "derived figure 'loss'"),
        ({"fitted": [data.Standardize(X, X)]}, "fitted is a list, not a dict"),
        ({"fitted": {"inputs": X}}, "fitted 'inputs' is an ndarray, which cannot be stored"),
        ({"fitted": {"inputs": data.Standardize}}, "fitted 'inputs' is the class Standardize, which cannot be stored"),
        ({"fitted": {"a/b": data.Standardize(X, X)}}, "fitted has the name 'a/b'"),
        ({"fitted": {3: data.Standardize(X, X)}}, "fitted has the name 3"),
        ({"derived": [max]}, "derived is a list, not a dict of functions"),
        ({"derived": max}, "derived is a builtin_function_or_method, not"),
        ({"derived": {"a": 3}}, "derived figure 'a' is an int"),
    ],
)
def test_what_is_no_task_is_said_in_one_line(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Task(**({"model": nn.Linear(2, 1), "loss": loss, "train": (X, Y)} | changed))
    assert said in caught.value.one_line


@pytest.mark.parametrize(
    ("returned", "kind"), [(None, "nothing"), ((1, 2), "a tuple"), ({}, "a dict"), (Task, "the class Task")]
)
def test_build_returns_a_task(returned: Any, kind: str) -> None:
    def build(settings: Any) -> Any:
        return returned

    with pytest.raises(UsageError, match=f"build returned {kind} where a Task is wanted"):
        build_task(build, None)


def same(comm: Communicator, train: Any, valid: Any = None) -> str:
    return verify_same_data(comm, Task(nn.Linear(2, 1), loss, train, valid))


def test_the_same_data_is_the_same_in_every_process() -> None:
    """Also of sequences of several lengths, whose array holds pointers."""

    def ragged() -> Any:
        rows = np.empty(3, dtype=object)
        rows[:] = [np.ones(2), np.ones(3), "text"]
        return rows

    assert describe_data(data.ArrayData(ragged())) == describe_data(data.ArrayData(ragged()))
    other = ragged()
    other[1] = np.ones((3, 1))
    assert describe_data(data.ArrayData(ragged())) != describe_data(data.ArrayData(other))


@pytest.mark.parametrize("where", ["train", "valid"])
@pytest.mark.parametrize("kind", [data.ArrayData, Own])
def test_one_value_that_differs_on_one_rank_is_found(kind: Any, where: str) -> None:
    """Wherever it is, in many samples: a checksum of some of them would not see it."""

    def body(comm: Communicator) -> str:
        x = np.zeros((5000, 1))
        x[1234] = comm.rank == 1
        sets = {"train": kind(np.zeros((9, 1)))} | {where: kind(x)}
        with pytest.raises(UsageError) as caught:
            same(comm, **sets)
        return caught.value.one_line

    (said,) = set(World("threads:3").run(body))
    assert "ranks disagree: data for" in said
    assert "on rank 1" in said


def test_samples_that_are_random_have_no_checksum(world: World) -> None:
    """Augmentation is no difference: every look gives other samples."""

    def body(comm: Communicator) -> str:
        return same(comm, Own(X, np.random.default_rng(comm.rank)))

    assert set(world.run(body)) == {"6 samples"}


def test_a_data_set_may_say_itself_what_it_is() -> None:
    class Named(Own):
        def fingerprint(self) -> str:
            return "version 3"

        def batch(self, indices: Any) -> Any:
            raise AssertionError("nobody looks at the samples then")

    assert same(LocalCommunicator(), Named(X)) == "6 samples with checksum version 3"


def trained(groups: Any, given: tuple[str, ...] = ()) -> dict[str, Any]:
    """The values after two steps, with rules of the task and of the command line."""
    task = Task(nn.Linear(2, 1), loss, (X, Y.astype(float)), groups=groups)
    config = Config(data=Data(batch_size=3), optim=Sgd(lr=0.01, groups=given))
    return {name: x.tobytes() for name, x in train(LocalCommunicator(), 2, config, task)["tensors"].items()}


def test_groups_of_a_task_are_those_of_the_command_line() -> None:
    rule = "bias: frozen; weight: lr=0.5x"
    assert trained([rule]) == trained(["weight: lr=3x"], (rule,)) == trained([], (rule,)) != trained([])


def test_a_rule_that_matches_nothing_is_said_before_the_first_step() -> None:
    with pytest.raises(UsageError, match=r"^Task: groups: 'bais' matches no parameter\n  The nearest is bias"):
        trained(["bais: frozen"])


@pytest.mark.parametrize("groups", ["bias: frozen", [1]])
def test_groups_are_a_list_of_rules(groups: Any) -> None:
    with pytest.raises(UsageError, match=r"^Task: groups .* is no list of rules"):
        Task(nn.Linear(2, 1), loss, X, groups=groups)


@pytest.mark.parametrize("classes", [-1, 2.5, "two", True])
def test_classes_are_a_number(classes: Any) -> None:
    with pytest.raises(UsageError, match=r"^Task: classes .* is no number of classes"):
        Task(nn.Linear(2, 1), loss, X, classes=classes)


def test_mixup_is_told_the_classes_of_a_task() -> None:
    task = lambda classes: Task(nn.Linear(2, 6), loss, (X, Y), classes=classes)
    rows = np.arange(6)
    told = augmented(task(6), "mixup").train.training_batch(rows, seed=0, epoch=0)  # type: ignore[attr-defined]
    named = augmented(replace(task(0), class_names=list("abcdef")), "mixup").train
    assert named.training_batch(rows, seed=0, epoch=0)[1].shape == (6, 6)  # type: ignore[attr-defined]
    said = augmented(task(0), "mixup(classes=6)").train.training_batch(rows, seed=0, epoch=0)  # type: ignore[attr-defined]
    assert [a.tobytes() for a in told] == [a.tobytes() for a in said]
    assert augmented(task(6), "mixup(classes=9)").train.training_batch(rows, seed=0, epoch=0)[1].shape == (6, 9)  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"^--data.augment 'mixup': augment: mixup makes soft targets"):
        augmented(task(0), "mixup")
