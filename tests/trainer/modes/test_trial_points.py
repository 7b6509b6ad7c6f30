"""Methods that evaluate their batch again: the same bits on any ranks, stopped or not, and what they do not go with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.optim import BatchMethod, CurvatureMethod, GaussNewton, HessianFree, Newton, Optim
from ddtrain.recipes.common import classify
from ddtrain.runs.fitting import fit
from ddtrain.trainer.config import validate
from ddtrain.trainer.config.config import Clip, Comm, Data, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.modes.batch_objective import BatchObjective, some_of
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import SAMPLES, Net, Plain, largest_difference, make_task, sgd_config, train
from worlds import World

NAMES = [name for name, part in Optim.parts.items() if issubclass(part, BatchMethod)]
STEPS = 3


def config(name: str, **sections: Any) -> Any:
    """With dropout let be: within a step it is the same at all points."""
    return sgd_config(batch_size=SAMPLES, optim=Optim(name=name, minibatch=True), **sections)


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


def values_of(objective: BatchObjective) -> Any:
    return objective._train_step.store.values.copy()


def objective_of(comm: Any, task: Task, curvature_samples: int = 0, **sections: Any) -> BatchObjective:
    """The objective of a batch of all samples."""
    train_step = build_step(comm, task, config("hessian_free", **sections))
    mode = make_mode(train_step, Comm())
    whole = train_step.node.alloc(train_step.store.values.size if train_step.node.rank == 0 else 0, np.dtype(float))[0]
    mode.wait_for_node()
    return BatchObjective(mode, 0, np.arange(len(task.train)), whole, curvature_samples)


@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:001"])
def test_products_are_those_of_the_hessian(spec: str) -> None:
    """Of differences of gradients, at the same point, through batch-norm over all ranks."""

    def body(comm: Any) -> Any:
        objective = objective_of(comm, make_task())
        x, rng = values_of(objective), np.random.default_rng(0)
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


def test_least_squares_in_one_step_of_gauss_newtons() -> None:
    """With as many iterations of conjugate gradients as parameters, and nothing left over."""
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((40, 5)), rng.standard_normal(40)
    task = Task(nn.Linear(5, 1), lambda model, x, y: (model(x)[:, 0] - y) ** 2, train=(x, target))
    found = train(LocalCommunicator(), 1, sgd_config(batch_size=40, optim=GaussNewton(tolerance=1e-13)), task)
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), target, rcond=None)[0]
    np.testing.assert_allclose(found["tensors"]["weight"][:, 0], solution[:5], rtol=1e-9)
    np.testing.assert_allclose(found["tensors"]["bias"], solution[5:], rtol=1e-9)


@pytest.mark.parametrize("spec", ["local", "threads:3", "nodes:001"])
def test_curvature_of_some_samples_is_that_of_a_batch_of_them(spec: str) -> None:
    """With five samples on three ranks, and batch-norm, whose moments are theirs."""
    rows = some_of(np.arange(SAMPLES), 5, 0, 0)
    assert len(set(rows)) == 5
    assert list(rows) == sorted(rows)
    assert list(rows) != list(some_of(np.arange(SAMPLES), 5, 0, 1)), "others in the next step"
    x, y = make_task().train.batch(rows)

    def body(comm: Any) -> Any:
        plain = Net(dropout=0.0)  # dropout draws by the place in the batch
        some = objective_of(comm, make_task(plain), curvature_samples=5)
        few = objective_of(comm, Task(plain, classify, train=(x, y)))
        at = values_of(some)
        v = np.random.default_rng(1).standard_normal(at.size)
        whole = objective_of(comm, make_task(plain))
        np.testing.assert_allclose(some.loss_and_gradient(at)[1], whole.loss_and_gradient(at)[1], rtol=1e-12)
        return [
            (some.hessian_product(at, v), few.hessian_product(at, v), whole.hessian_product(at, v)),
            (some.gauss_newton_product(at, v), few.gauss_newton_product(at, v), whole.gauss_newton_product(at, v)),
            (some.curvature_gradient(at), few.loss_and_gradient(at)[1], whole.loss_and_gradient(at)[1]),
        ]

    for found in World(spec).run(body):
        for some, few, whole in found:
            np.testing.assert_array_equal(some, few)
            assert np.abs(some - whole).max() > 1e-3


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(Optim.parts[name], CurvatureMethod)])
@pytest.mark.parametrize("spec", ["threads:3", "nodes:001"])
def test_curvature_of_some_samples_has_the_same_bits_on_any_ranks(name: str, spec: str) -> None:
    """Of three samples for four shards, so that one of them is empty; and steps that differ from the whole batch's."""
    model = lambda: Plain() if name == "newton" else Net()
    shards = Run(dtype="float64", epochs=1000, shards=4)
    some = config(name, run=shards).updated({"optim": {"curvature_samples": 3}})
    found = World(spec).run(lambda comm: train(comm, 2, some, make_task(model())))
    alone = train(LocalCommunicator(), 2, some, make_task(model()))
    assert largest_difference(found[0], alone) == 0
    assert largest_difference(found[-1], alone) == 0
    assert largest_difference(alone, train(LocalCommunicator(), 2, config(name, run=shards), make_task(model()))) > 1e-6


def test_products_by_difference_are_of_the_same_samples() -> None:
    exact, difference = (
        train(
            LocalCommunicator(),
            2,
            sgd_config(
                batch_size=SAMPLES,
                optim=HessianFree(minibatch=True, curvature_samples=6, products=products, delta=1e-7),  # type: ignore[arg-type]
            ),
        )
        for products in ("exact", "difference")
    )
    assert largest_difference(exact, difference) < 1e-4


def test_more_samples_than_a_batch_has_are_refused() -> None:
    with pytest.raises(UsageError, match=f"--optim.curvature-samples 24 is more than the {SAMPLES} samples of a batch"):
        build_step(
            LocalCommunicator(),
            make_task(),
            sgd_config(100, optim=Newton(minibatch=True, curvature_samples=SAMPLES + 1)),
        )
    build_step(
        LocalCommunicator(), make_task(), sgd_config(100, optim=Newton(minibatch=True, curvature_samples=SAMPLES))
    )


def test_what_is_trained_of_a_model_may_be_too_large() -> None:
    """Seven of ten parameters; tests/cli/test_usage.py has the whole command."""
    model = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 3, bias=False), nn.Linear(3, 1))
    task = Task(model, lambda model: None, train=(np.ones(3),))
    build_step(LocalCommunicator(), task, sgd_config(optim=Newton(most_parameters=7, groups=("0.*: frozen",))))
    with pytest.raises(UsageError, match=r"newton: 10 parameters take 0\.0 GB"):
        build_step(LocalCommunicator(), task, sgd_config(optim=Newton(most_parameters=7)))


class Pair(nn.Module):
    """Two parameters that begin at a saddle point of the loss below."""

    def __init__(self) -> None:
        self.w = nn.param((2,), nn.init.zeros)

    def forward(self, x: Any) -> Any:
        w = self.w
        return x * (w[0] ** 2 - w[1] ** 2 + w[1] ** 4)


@pytest.mark.parametrize("backend", ["local", "threads:2"])
@pytest.mark.parametrize("name", ["hessian_free", "newton"])
def test_leaving_a_saddle_point_is_said(
    name: str, backend: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once on the console, and as a figure of every step; without it the run would stay where it began."""
    task = Task(Pair(), lambda model, x: model(x), train=(np.ones(4),))
    run = {"dir": str(tmp_path), "dtype": "float64", "shards": 2}
    fit(task, optim=Optim(name=name), data=Data(batch_size=4), run=run, backend=backend, epochs=12)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[0]["curvature"] == pytest.approx(-2.0, abs=1e-9)
    assert lines[-1]["curvature"] == 0
    assert lines[-1]["loss"] == pytest.approx(-0.25, abs=1e-9)
    shown = capsys.readouterr().out
    assert "negative curvature at step 1: left along it (curvature -2" in shown
    assert shown.count("negative curvature") == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", ["threads:3", "nodes:001"])
def test_a_saddle_point_is_left_with_the_same_bits_on_any_ranks(spec: str, dtype: Any) -> None:
    """Of four samples on five shards, so that one is empty."""
    task = Task(Pair(), lambda model, x: model(x), train=(np.ones(4),))
    settings = sgd_config(batch_size=4, optim=HessianFree(), run=Run(dtype=dtype, epochs=1000, shards=5))
    found = World(spec).run(lambda comm: train(comm, STEPS, settings, task))
    alone = train(LocalCommunicator(), STEPS, settings, task)
    assert abs(alone["tensors"]["w"][1]) > 0.1
    assert largest_difference(found[0], alone) == 0
    assert largest_difference(found[-1], alone) == 0


def test_other_optimizers_have_no_figures_of_their_own(tmp_path: Path) -> None:
    fit(make_task(Plain()), optim=Optim(name="lbfgs"), data=Data(batch_size=SAMPLES), dir=str(tmp_path), epochs=1)
    (line,) = (json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines() if "lr" in line)
    assert "curvature" not in line


def test_random_numbers_are_those_of_the_step() -> None:
    first, again = (objective_of(LocalCommunicator(), make_task()).random_normal(np.ones(50)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = objective_of(LocalCommunicator(), make_task())
    other._step = 1
    assert (other.random_normal(np.ones(50)) != first).all()


def test_random_signs_are_the_same_on_all_ranks_and_others_for_each_number() -> None:
    signs = World("threads:2").run(
        lambda comm: [objective_of(comm, make_task()).random_signs(np.ones(50), number) for number in (0, 1)]
    )
    np.testing.assert_array_equal(signs[0], signs[1])
    assert set(np.ravel(signs[0])) == {-1.0, 1.0}
    assert (signs[0][0] != signs[0][1]).any()
