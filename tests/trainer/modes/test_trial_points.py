"""Methods that evaluate their batch again: the same bits on any ranks, stopped or not, and what they do not go with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim import BatchMethod, HessianFree, Newton, Optim
from ddtrain.trainer.config import validate
from ddtrain.trainer.config.config import Clip, Comm, Data, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.modes.batch_objective import BatchObjective
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import SAMPLES, Plain, largest_difference, make_task, sgd_config, train
from worlds import World

NAMES = [name for name, part in Optim.parts.items() if issubclass(part, BatchMethod)]
STEPS = 3


def config(name: str, **sections: Any) -> Any:
    return sgd_config(batch_size=SAMPLES, optim=Optim(name=name), **sections)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "newton"])
@pytest.mark.parametrize("spec", ["threads:3", "nodes:001"])
def test_shards_give_the_same_bits_on_any_ranks(name: str, spec: str) -> None:
    """With batch-norm, whose moments cross ranks in every trial, and dropout, which is the same at all points."""
    shards = Run(dtype="float64", epochs=1000, shards=3)
    found = World(spec).run(lambda comm: train(comm, STEPS, config(name, run=shards)))
    alone = train(LocalCommunicator(), STEPS, config(name, run=shards))
    assert largest_difference(found[0], alone) == 0
    assert largest_difference(found[-1], alone) == 0


@pytest.mark.parametrize("name", NAMES)
def test_ranks_are_one_rank(name: str) -> None:
    small = lambda: make_task(Plain())
    found = World("threads:2").run(lambda comm: train(comm, STEPS, config(name), small()))
    alone = train(LocalCommunicator(), STEPS, config(name), small())
    assert largest_difference(found[0], found[1]) == 0
    assert largest_difference(found[0], alone) < 1e-6  # a line search may stop at another trial by rounding alone


@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:001"])
def test_products_are_those_of_the_hessian(spec: str) -> None:
    """Of differences of gradients, at the same point, through batch-norm over all ranks."""

    def body(comm: Any) -> Any:
        train_step = build_step(comm, make_task(), config("hessian_free"))
        mode, node = make_mode(train_step, Comm()), train_step.node
        whole = node.alloc(train_step.store.values.size if node.rank == 0 else 0, np.dtype(float))[0]
        objective = BatchObjective(mode, 0, np.arange(SAMPLES), whole)
        x, rng = train_step.store.values.copy(), np.random.default_rng(0)
        mode.wait_for_node()
        v, small = rng.standard_normal(x.size), 1e-5
        product = objective.hessian_product(x, v)
        ahead, behind = (objective.loss_and_gradient(x + sign * small * v)[1] for sign in (1, -1))
        assert objective.loss(x) == pytest.approx(objective.loss_and_gradient(x)[0], rel=1e-12)
        return product, (ahead - behind) / (2 * small)

    for product, difference in World(spec).run(body):
        np.testing.assert_allclose(product, difference, rtol=1e-5, atol=1e-7)


def test_buffers_are_those_of_the_point_that_was_left() -> None:
    """One forward pass a step counts, however many points are tried."""
    found = train(LocalCommunicator(), STEPS, config("lbfgs"))
    (counted,) = (value for name, value in found["tensors"].items() if name.endswith("num_batches_tracked"))
    assert counted == STEPS


@pytest.mark.parametrize(
    ("sections", "other"),
    [
        ({"comm": Comm(mode="local")}, "--comm.mode local"),
        ({"comm": Comm(hook="sign")}, "--comm.hook sign"),
        ({"comm": Comm(sharded_optimizer=True)}, "--comm.sharded-optimizer"),
        ({"clip": Clip(norm=1.0)}, "--clip.norm 1.0"),
        ({"clip": Clip(value=1.0)}, "--clip.value 1.0"),
    ],
)
def test_what_does_not_go_together_is_refused(sections: Any, other: str) -> None:
    with pytest.raises(UsageError, match=f"{other} with --optim.name lbfgs"):
        validate(config("lbfgs", **sections), 2)


def test_batches_that_differ_are_refused_unless_they_are_wanted() -> None:
    some = {"data": Data(batch_size=7)}
    with pytest.raises(UsageError, match=rf"newton wants the same samples .* takes some of {SAMPLES}") as caught:
        build_step(LocalCommunicator(), make_task(), sgd_config(optim=Newton()).updated({"data": {"batch_size": 7}}))
    assert f"--data.batch-size {SAMPLES}" in str(caught.value)
    assert some
    build_step(LocalCommunicator(), make_task(), sgd_config(optim=HessianFree(minibatch=True)))


def test_least_squares_in_one_step_of_newtons() -> None:
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((40, 5)), rng.standard_normal(40)
    task = Task(nn.Linear(5, 1), lambda model, x, y: (model(x)[:, 0] - y) ** 2, train=(x, target))
    found = train(LocalCommunicator(), 1, sgd_config(batch_size=40, optim=Newton(radius=100.0)), task)
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), target, rcond=None)[0]
    np.testing.assert_allclose(found["tensors"]["weight"][:, 0], solution[:5], rtol=1e-9)
    np.testing.assert_allclose(found["tensors"]["bias"], solution[5:], rtol=1e-9)
