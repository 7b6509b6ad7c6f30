"""A run that is looked into: its loss is that of its batches, on any number of ranks, and a step its own next step."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import data, hessian, value_and_grad
from ddtrain.callbacks import Callback, Watched
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError, NonFiniteError, UsageError
from ddtrain.optim import Adam, Lbfgs, Sgd
from ddtrain.rng import SampleRng
from ddtrain.runs import Run, diagnosing, fit
from ddtrain.runs.diagnosing import OpenedRun
from ddtrain.runs.diagnosing.curvature_found import CurvatureFound
from ddtrain.runs.diagnosing.landscape_found import LineFound, PlaneFound
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.main import Recipe
from helpers import Net, Plain, make_task
from worlds import World

OPTIONS: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 7,
    "dtype": "float64",
    "seed": 3,
    "checkpoint": {"every": 3, "keep": 20},
}


class Norms(Callback):
    """The norms of the changes that steps have made."""

    def start(self, run: Watched) -> None:
        self.before = {path: x.copy() for path, x in run.values.items()}
        self.updates: list[dict[str, float]] = []

    def step(self, run: Watched) -> None:
        self.updates.append({path: float(np.linalg.norm(x - self.before[path])) for path, x in run.values.items()})
        self.before = {path: x.copy() for path, x in run.values.items()}


def recipes(model: Any = Net, **options: Any) -> dict[str, Recipe]:
    return {"mine": Recipe(Config(), lambda config: make_task(model(**options), dtype=config.run.dtype), "")}


def trained(directory: Path, model: Any = Net, **options: Any) -> Run:
    return fit(make_task(model()), dir=directory, name="mine", quiet=True, **{**OPTIONS, **options})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("runs") / "plain", Plain)


def opened(run: Run, model: Any = Net, comm: Any = None, **how: Any) -> OpenedRun:
    return OpenedRun(comm or LocalCommunicator(), run.path, recipes(model), **how)


def on_ranks(run: Run, look: Any, spec: str = "threads:3", model: Any = Net, **how: Any) -> list[Any]:
    return World(spec).run(lambda comm: look(opened(run, model, comm, **how)))


def flat(of: OpenedRun, values: Any) -> Any:
    x = np.empty(of.store.values.size)
    for name, span in zip(of.store.names, of.store.spans, strict=True):
        x[span] = np.ravel(values[name])
    return x


# -- the loss ---------------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_batches_that_follow_with_exact_second_derivatives(plain: Run) -> None:
    of = opened(plain, Plain)
    point = of.point(str(plain.checkpoints[1]))
    loss = of.loss_around(point, 4)  # of 7, 7, 7 and 2 samples
    assert sorted(loss.sizes) == [2, 7, 7, 7]
    task = make_task(Plain())
    names = of.store.names

    def mean(weights: Any) -> Any:
        values = {
            name: dnp.reshape(weights[span], view.shape)
            for name, span, view in zip(names, of.store.spans, of.store.value_views, strict=True)
        }
        total: Any = 0.0
        for step in range(point.snapshot.step, point.snapshot.step + 4):
            epoch, offset = data.position(step, len(task.train), 7)
            rows = data.batches(3, epoch, len(task.train), 7)[offset]
            net = task.model.bind(values, training=True, rng=SampleRng(3, step, 0))
            total = total + task.loss(net, *task.train.batch(rows))[0].sum()
        return total / loss.samples

    at_x, gradient = value_and_grad(mean)(point.x)
    mine, my_gradient = loss.loss_and_gradient(point.x)
    assert mine == pytest.approx(float(at_x), rel=1e-12)
    assert loss.loss(point.x) == pytest.approx(float(at_x), rel=1e-12)
    np.testing.assert_allclose(my_gradient, gradient, rtol=1e-10, atol=1e-14)
    v = np.random.default_rng(0).standard_normal(point.x.size)
    np.testing.assert_allclose(loss.hessian_product(point.x, v), hessian(mean)(point.x) @ v, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("evaluation", [False, True])
def test_several_ranks_have_the_loss_of_one(run: Run, evaluation: bool) -> None:
    def look(of: OpenedRun) -> Any:
        point = of.point("last")
        loss = of.loss_around(point, 0)
        v = np.random.default_rng(1).standard_normal(point.x.size)
        return loss.samples, loss.loss(point.x), *loss.loss_and_gradient(point.x), loss.hessian_product(point.x, v)

    alone = look(opened(run, evaluation=evaluation))
    assert alone[0] == 23, "an epoch"
    for found in on_ranks(run, look, evaluation=evaluation):
        for one, other in zip(alone, found, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


def test_in_evaluation_the_loss_is_what_evaluations_see(run: Run) -> None:
    of = opened(run, evaluation=True)
    point = of.point("last")
    task = make_task()
    rows = np.concatenate([of.rows_of(step) for step in range(8, 12)])
    losses, _ = task.loss(run.load(Net(), "last"), *task.train.batch(rows))
    loss = of.loss_around(point, 0)
    assert loss.loss(point.x) == pytest.approx(losses.mean(), rel=1e-12)
    with_dropout = opened(run)
    assert with_dropout.loss_around(with_dropout.point("last"), 0).loss(point.x) != pytest.approx(
        losses.mean(), rel=1e-3
    )


def test_another_dtype_is_that_of_all_that_is_computed(run: Run) -> None:
    of = opened(run, dtype="float32")
    point = of.point("last")
    assert point.x.dtype == of.store.dtype == np.float32
    double = opened(run)
    at_x = double.loss_around(double.point("last"), 2).loss(double.point("last").x)
    assert of.loss_around(point, 2).loss(point.x) == pytest.approx(at_x, rel=1e-5)


def test_a_run_of_fit_is_opened_with_its_task(plain: Run) -> None:
    task = make_task(Plain())
    found = OpenedRun(LocalCommunicator(), plain.path, task).point("last")
    np.testing.assert_array_equal(found.x, opened(plain, Plain).point("last").x)


# -- layers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optim", [Sgd(lr=0.05, momentum=0.9), Adam(lr=0.01)])
def test_the_update_is_that_of_the_runs_own_next_step(tmp_path: Path, optim: Any) -> None:
    """With the optimizer's state, the schedule, the clipping and the dropout that the run had."""
    seen = Norms()
    more = {"optim": optim, "schedule": {"name": "cosine"}, "clip": {"norm": 0.5}}
    whole = trained(tmp_path / "run", callbacks=[seen], **more)
    found = diagnosing.layers(opened(whole), str(whole.checkpoints[2]))
    step = found.step - 1
    assert 0 < step < 12
    assert found.lr == pytest.approx(whole.history["lr"][step])
    assert found.loss == pytest.approx(whole.history["loss"][step], rel=1e-12)
    for row in found.parameters:
        assert row.update == pytest.approx(seen.updates[step][row.path], rel=1e-12)
        assert row.update_ratio == pytest.approx(row.update / row.value)
    norm = math.sqrt(sum(row.gradient**2 for row in found.parameters))
    assert norm == pytest.approx(whole.history["grad_norm"][step], rel=1e-12)


def test_after_the_last_step_it_goes_on_at_the_last_rate(run: Run) -> None:
    found = diagnosing.layers(opened(run), "last")
    assert found.step == 13
    assert found.lr == run.history["lr"][-1]
    assert "step 13" in str(found)


def test_several_ranks_see_the_same_layers(run: Run) -> None:
    alone = diagnosing.layers(opened(run), "last")
    for found in on_ranks(run, lambda of: diagnosing.layers(of, "last"), "nodes:0011"):
        assert [each.path for each in found.outputs] == [each.path for each in alone.outputs]
        for one, other in zip(alone.parameters, found.parameters, strict=True):
            assert (other.gradient, other.update) == pytest.approx((one.gradient, one.update), rel=1e-9)


def test_a_method_of_the_whole_batch_has_updates_too(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", Plain, optim=Lbfgs(history=2), batch_size=23)
    found = diagnosing.layers(opened(run, Plain), "last")
    assert all(row.update > 0 for row in found.parameters)


def test_it_writes_nothing(run: Run) -> None:
    files = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    diagnosing.layers(opened(run))
    diagnosing.gradients(opened(run))
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == files


# -- curvature --------------------------------------------------------------------------------------------------------


def test_curvature_is_the_dense_hessians_and_the_same_on_ranks(run: Run) -> None:
    how: Any = {"batches": 2, "steps": 40, "epsilons": (1e-3,), "probes": 1}
    dense = diagnosing.curvature(opened(run), dense=True, batches=2, epsilons=())
    alone = diagnosing.curvature(opened(run), **how)
    assert dense.eigenvalues is not None
    assert dense.density is None
    assert alone.extremes.largest == pytest.approx(dense.eigenvalues[-1], rel=1e-6)
    assert alone.extremes.smallest == pytest.approx(dense.eigenvalues[0], rel=1e-6)
    assert dense.trace == (pytest.approx(dense.eigenvalues.sum()), 0.0)
    for found in on_ranks(run, lambda of: diagnosing.curvature(of, **how)):
        assert found.extremes.largest == pytest.approx(alone.extremes.largest, rel=1e-9)
        assert found.extremes.smallest == pytest.approx(alone.extremes.smallest, rel=1e-6)
        assert found.trace == pytest.approx(alone.trace, rel=1e-8)
        assert [each.percent for each in found.sharpness] == pytest.approx(
            [each.percent for each in alone.sharpness], rel=1e-6
        )
        assert found.noise.scale == pytest.approx(alone.noise.scale, rel=1e-8)


def test_what_is_said_of_curvature(run: Run) -> None:
    found = diagnosing.curvature(opened(run), batches=1, steps=30, epsilons=())
    assert isinstance(found, CurvatureFound)
    assert found.noise is None, "one batch has none"
    said = str(found)
    for text in ("largest eigenvalue", "condition number", "trace", "2 / largest", "learning rate", "products"):
        assert text in said
    assert found.lr == run.history["lr"][found.step - 1]
    assert ("edge of stability" in said) == (found.lr >= found.stable_lr)


# -- landscape --------------------------------------------------------------------------------------------------------


def test_a_line_has_the_losses_of_its_ends(run: Run) -> None:
    of = opened(run)
    found = diagnosing.landscape(of, str(run.checkpoints[0]), to="last", points=7, batches=2)
    assert isinstance(found, LineFound)
    first, last = of.point(str(run.checkpoints[0])), of.point("last")
    loss = of.loss_around(first, 2)
    assert found.losses[found.at == 0] == pytest.approx(loss.loss(first.x))
    assert found.losses[found.at == 1] == pytest.approx(loss.loss(last.x))
    assert found.barrier >= 0
    bump = LineFound(("a", "b"), np.array([0, 0.5, 1]), np.array([1.0, 3.0, 2.0]), 1)
    assert bump.barrier == 1.5


@pytest.mark.parametrize("plane", ["random", "pca"])
def test_a_plane_has_the_run_on_it(run: Run, plane: str) -> None:
    of = opened(run)
    found = diagnosing.landscape(of, "last", plane=plane, points=5, batches=1)
    assert isinstance(found, PlaneFound)
    assert found.losses.shape == (5, 5)
    assert found.steps == sorted(found.steps)
    assert len(found.path) == len(run.checkpoints)
    np.testing.assert_allclose(found.path[-1], 0, atol=1e-12)
    assert (sum(found.shares) > 0.5) == (plane == "pca")
    if plane == "random":
        loss = of.loss_around(of.point("last"), 1)
        assert found.losses[2, 2] == pytest.approx(loss.loss(of.point("last").x))
    ranks = on_ranks(run, lambda of: diagnosing.landscape(of, "last", plane=plane, points=5, batches=1))
    for other in ranks:
        np.testing.assert_allclose(other.losses, found.losses, rtol=1e-9)


# -- gradients, and mistakes ------------------------------------------------------------------------------------------


def test_gradients_are_checked_on_ranks(run: Run) -> None:
    for found in on_ranks(run, lambda of: diagnosing.gradients(of, batches=2)):
        assert all(check.weights > 10 and check.ratio < 1e-6 for check in found.checks.values())
        assert len(found.checks) == 2
        assert "weights tried" in str(found)


LOOKS: list[Any] = [diagnosing.layers, diagnosing.curvature, diagnosing.landscape, diagnosing.gradients]


@pytest.mark.parametrize("look", LOOKS)
def test_a_checkpoint_of_another_model_is_refused_on_all_ranks(run: Run, plain: Run, look: Any) -> None:
    with pytest.raises(CheckpointError, match=r"not of the model in the run's config\.toml"):
        on_ranks(run, lambda of: look(of, str(plain.last)), "threads:2")


def test_a_line_to_a_checkpoint_of_another_model_is_refused(run: Run, plain: Run) -> None:
    with pytest.raises(CheckpointError, match="not of the model"):
        diagnosing.landscape(opened(run), to=str(plain.last))


def test_a_loss_that_is_not_finite_is_refused(run: Run) -> None:
    class Broken(Net):
        def forward(self, x: Any) -> Any:
            return super().forward(x) + np.inf

    for look in LOOKS[:3]:
        with pytest.raises(NonFiniteError):
            look(opened(run, Broken))
    assert "not tried" in str(diagnosing.gradients(opened(run, Broken)))


@pytest.mark.parametrize(
    ("look", "options", "said"),
    [
        (diagnosing.curvature, {"batches": -1}, "--batches -1"),
        (diagnosing.curvature, {"steps": 1}, "--steps 1"),
        (diagnosing.curvature, {"probes": 0}, "--probes 0"),
        (diagnosing.curvature, {"tolerance": 0.0}, "--tolerance 0.0"),
        (diagnosing.curvature, {"epsilons": (math.inf,)}, "--epsilon inf"),
        (diagnosing.landscape, {"points": 2}, "--points 2"),
        (diagnosing.landscape, {"span": 0.0}, "--span 0.0"),
        (diagnosing.landscape, {"plane": "flat"}, "--plane flat"),
        (diagnosing.gradients, {"batches": 0}, "--batches 0"),
    ],
)
def test_options_out_of_range_are_refused(run: Run, look: Any, options: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        look(opened(run), **options)


def test_a_hessian_that_is_too_large_is_refused_with_what_it_takes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddtrain.runs.diagnosing.curvature_found.memory_of_machine", lambda: 50_000)
    with pytest.raises(UsageError, match=r"the whole Hessian of 134 parameters takes 0.0 GB a rank, of 0.0 GB"):
        diagnosing.curvature(opened(run), dense=True)


def test_a_path_of_one_checkpoint_spans_no_plane(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", epochs=1, checkpoint={"every": 0, "keep": 1})
    for checkpoint in run.checkpoints[:-1]:
        shutil.rmtree(checkpoint)
    with pytest.raises(UsageError, match="span no plane"):
        diagnosing.landscape(opened(run), plane="pca")
    assert isinstance(diagnosing.landscape(opened(run), points=3, batches=1), PlaneFound)
