"""What a loss function may return, and what is said of the rest: before it is summed, with rank, step and line."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import data
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data import Dataset
from ddtrain.errors import DataError, DdtrainError, ReplicaError, ShapeError, UsageError
from ddtrain.trainer.config.config import Run
from ddtrain.trainer.evaluation.evaluate import derived, evaluate
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.train_step import TrainStep
from ddtrain.trainer.task import Task
from helpers import Net, make_task, sgd_config
from worlds import World

ROWS = np.arange(7)


def stepper(comm: Communicator, spoil: Any, shards: int = 0, train: Dataset | None = None) -> TrainStep:
    """A step whose loss function returns ``spoil(losses, metrics)``."""
    right = make_task(Net(sync=False))

    def loss(*args: Any) -> Any:
        return spoil(*right.loss(*args))

    task = Task(right.model, loss, train or right.train, right.valid)
    return build_step(comm, task, sgd_config(run=Run(dtype="float64", shards=shards)))


def refused(spoil: Any, kind: type[DdtrainError] = ShapeError, train: Dataset | None = None) -> str:
    """What is said of such a loss, by a step and, in the same words, by an evaluation."""
    step = stepper(LocalCommunicator(), spoil, train=train)
    with pytest.raises(kind) as caught:
        step.gradients(0, ROWS)
    assert {"rank": 0, "step": 1}.items() <= caught.value.place.items()
    assert str(caught.value.place["line"]).startswith("test_loss_output.py:")
    if train is None:
        with pytest.raises(kind, match=re.escape(re.split(r" is |\(| where", caught.value.message)[0])):
            evaluate(step.task, step.store, step.comm, step.shards)
    return caught.value.one_line


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda losses, metrics: losses.sum(), "loss is an array of shape () where"),
        (lambda losses, metrics: losses[:, None], "shape (7, 1)"),
        (lambda losses, metrics: losses[1:], "shape (6,) where one number for each of 7 samples"),
        (lambda losses, metrics: dnp.concatenate([losses, losses]), "shape (14,)"),
        (lambda losses, metrics: losses + 1j, "loss is of complex128 where real numbers"),
        (lambda losses, metrics: np.arange(len(losses)), "loss is of int64"),
        (lambda losses, metrics: np.ma.masked_less(np.ones(len(losses)), 2), "loss is a masked array"),
        (lambda losses, metrics: None, "returned nothing where losses and a dict of metrics"),
        (lambda losses, metrics: (None, metrics), "returned 2 values: nothing, a dict where"),
        (lambda losses, metrics: (losses, metrics, 1), "returned 3 values"),
        (lambda losses, metrics: (losses, [1]), "returned 2 values: an array of shape (7,), a list"),
        (lambda losses, metrics: (losses, {"a": 0.5}), "a is a float where one number"),
        (lambda losses, metrics: (losses, {"a": np.ones((7, 1))}), "a is an array of shape (7, 1)"),
        (lambda losses, metrics: (losses, {"a": np.ones(len(losses)) * 1j}), "a is of complex128"),
        (lambda losses, metrics: (losses, {"a": np.array(["b"] * len(losses))}), "a is of <U1"),
    ],
)
def test_what_is_no_loss_is_refused(spoil: Any, said: str) -> None:
    assert said in refused(spoil)


@pytest.mark.parametrize("name", ["loss", "step", "lr", "valid_loss", "valid_error", "", 3, None])
def test_names_that_no_metric_can_have(name: Any) -> None:
    """``loss`` would decide which checkpoint is the best, and the others stand in the same line of the log; one with
    ``valid_loss`` is an evaluation's."""
    assert "cannot be the name of a metric" in refused(lambda losses, metrics: (losses, {name: losses}), UsageError)


def test_a_long_name_is_not_quoted_as_a_whole() -> None:
    assert len(refused(lambda losses, metrics: (losses, {"x" * 15_000: 1.0}))) < 500


@pytest.mark.parametrize("spoil", [lambda losses, metrics: losses, lambda losses, metrics: (losses, None)])
def test_metrics_may_be_left_out(world: World, spoil: Any) -> None:
    def body(comm: Communicator) -> Any:
        step = stepper(comm, spoil)
        return step.gradients(0, ROWS).means().keys(), evaluate(step.task, step.store, comm, step.shards).figures.keys()

    for seen in world.run(body):
        assert [list(names) for names in seen] == [["loss"], ["loss"]]


class Short(data.ArrayData):
    """Leaves a sample out."""

    def batch(self, indices: Any) -> tuple[Any, ...]:
        return super().batch(indices[:-1])


class Alone(data.ArrayData):
    """Forgets that a batch is a tuple."""

    def batch(self, indices: Any) -> Any:
        return super().batch(indices)[0]


def test_a_batch_of_another_length_is_the_data_sets_fault() -> None:
    train = make_task().train
    assert isinstance(train, data.ArrayData)
    said = refused(lambda losses, metrics: losses, train=Short(*train.arrays))
    assert "batch() was asked for 7 samples, and gave arrays of lengths [6, 6]" in said


def test_a_batch_is_a_tuple() -> None:
    step = stepper(LocalCommunicator(), lambda losses, metrics: losses, train=Alone(np.ones((23, 6))))
    with pytest.raises(DataError, match=r"Alone\.batch returned an ndarray where a tuple") as caught:
        step.gradients(0, ROWS)
    assert caught.value.place["step"] == 1


def ones_and_hundreds(order: int) -> Any:
    def spoil(losses: Any, metrics: Any) -> Any:
        figures = {"a": np.ones(losses.shape), "b": np.full(losses.shape, 100.0)}
        return losses, dict(sorted(figures.items(), reverse=bool(order % 2)))

    return spoil


@pytest.mark.parametrize("shards", [0, 4])
def test_the_order_of_metrics_does_not_matter(world: World, shards: int) -> None:
    """Each rank has its own, and each call, too."""

    def body(comm: Communicator) -> Any:
        calls = iter(range(100))
        spoil = lambda losses, metrics: ones_and_hundreds(comm.rank + next(calls))(losses, metrics)
        step = stepper(comm, spoil, shards)
        seen = [step.gradients(k, ROWS).means() for k in range(2)]
        return [*seen, evaluate(step.task, step.store, comm, step.shards).figures]

    for seen in world.run(body):
        assert [(means["a"], means["b"]) for means in seen] == [(1, 100)] * 3


@pytest.mark.parametrize("others", [("b",), ("a", "b"), ()])
def test_ranks_with_different_metrics_disagree(others: tuple[str, ...]) -> None:
    def body(comm: Communicator) -> Any:
        names = others if comm.rank == 1 else ("a",)
        step = stepper(comm, lambda losses, metrics: (losses, dict.fromkeys(names, losses)))
        said = []
        for act in (
            lambda: step.gradients(0, ROWS),
            lambda: evaluate(step.task, step.store, comm, step.shards).figures,
        ):
            with pytest.raises(ReplicaError) as caught:
                act()
            said.append(caught.value.message)
        return said

    for said in World("threads:3").run(body):
        assert said == [f"loss: the metrics are {', '.join(others) or 'none'} on rank 1, but a on rank 0"] * 2


def test_metrics_that_change_later_are_refused_where_they_do() -> None:
    calls = iter(range(100))
    step = stepper(LocalCommunicator(), lambda losses, metrics: (losses, {f"a{next(calls)}": losses}))
    step.gradients(0, ROWS)
    with pytest.raises(ReplicaError, match="the metrics are a1 where before they were a0") as caught:
        step.gradients(1, ROWS)
    assert caught.value.place["step"] == 2


def test_shards_of_one_rank_must_have_the_same_metrics() -> None:
    calls = iter(range(100))
    step = stepper(LocalCommunicator(), lambda losses, metrics: (losses, {f"a{next(calls)}": losses}), shards=3)
    with pytest.raises(ReplicaError, match="the metrics are a1 where before they were a0"):
        step.gradients(0, ROWS)


def test_a_shard_without_samples_takes_part(world: World) -> None:
    def body(comm: Communicator) -> Any:
        step = stepper(comm, lambda losses, metrics: (losses, {"a": 2 + 0 * losses}))
        return step.gradients(0, ROWS[:1]).means()["a"]

    assert world.run(body) == [2.0] * world.size


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (lambda means: np.float64(10.0) ** 400, "inf"),
        (lambda means: 10.0**400, "inf"),
        (lambda means: 1 / 0, "nan"),
        (lambda means: np.log(np.float64(-1)), "nan"),
        (lambda means: math.log(-1), "nan"),
        (lambda means: means["loss"], "2.0"),
        (lambda means: np.float32(1.5), "1.5"),
        (lambda means: 10**400, "inf"),
    ],
)
def test_a_derived_figure_never_ends_a_run(figure: Any, value: str) -> None:
    assert str(derived("figure", figure, {"loss": 2.0})) == value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "nothing"),
        ("2.5", "a str"),
        ("two", "a str"),
        (np.ones(3), "an ndarray"),
        (1j, "a complex"),
        ([1], "a list"),
    ],
)
def test_a_derived_figure_is_a_number(value: Any, kind: str) -> None:
    with pytest.raises(UsageError, match=f"derived figure 'figure' is {kind} where a number is wanted"):
        derived("figure", lambda means: value, {"loss": 2.0})


def test_a_derived_figure_takes_no_metric_s_place() -> None:
    step = stepper(LocalCommunicator(), lambda losses, metrics: (losses, {"a": 2 + 0 * losses}))
    task = Task(step.task.model, step.task.loss, step.task.train, step.task.valid, derived={"a": lambda means: 3.0})
    with pytest.raises(UsageError, match="derived figure 'a' has the name of a metric"):
        evaluate(task, step.store, step.comm, step.shards)
