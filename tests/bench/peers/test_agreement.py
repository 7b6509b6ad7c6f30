"""A peer is timed only where it computes what we do: every way to compute something else must be noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.bench.peers import agreement, jax_models, numpy_steps, registry
from ddtrain.bench.peers.agreement import Point
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.workloads import WORKLOADS
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.optim import Sgd

LOCAL = LocalCommunicator()


def compare(peer: str, name: str) -> None:
    with ours(LOCAL, name, WORKLOADS[name]) as mine, registry.PEERS[peer].open(LOCAL, WORKLOADS[name]) as trainee:
        start = agreement.copied(mine.tensors())
        agreement.require(peer, start, agreement.trail(mine.step, mine), agreement.trail(trainee, trainee))


@pytest.mark.parametrize("name", ["tiny_mlp", "small_mlp", "deep_mlp", "mlp", "mlp_bn"])
def test_numpy_by_hand_agrees(name: str) -> None:
    compare("numpy", name)


@pytest.mark.parametrize("name", WORKLOADS)
def test_jax_agrees(name: str) -> None:
    pytest.importorskip("jax")
    compare("jax", name)


@pytest.mark.parametrize("name", WORKLOADS)
def test_pytorch_agrees(name: str) -> None:
    pytest.importorskip("torch")
    compare("torch", name)


def test_a_compiled_pytorch_agrees() -> None:
    pytest.importorskip("torch")
    compare("torch-compile", "mlp_bn")


def test_every_architecture_has_its_model_in_jax() -> None:
    assert {workload.architecture.__name__ for workload in WORKLOADS.values()} == set(jax_models.MODELS)


def spoiled_relu(self: Any, g: Any, to_input: bool) -> Any:
    return g


def biased_variance(self: Any, x: Any, forward: Any = numpy_steps._BatchNorm.forward) -> Any:
    y = forward(self, x)
    self.running_var *= 1.1
    return y


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("OPTIM", Sgd(lr=0.01, momentum=0.8)),
        ("OPTIM", Sgd(lr=0.012, momentum=0.9)),
        ("OPTIM", Sgd(lr=0.0, momentum=0.9)),
        ("_Relu.backward", spoiled_relu),
        ("_BatchNorm.forward", biased_variance),
        ("_EPS", 0.1),
    ],
    ids=["momentum", "rate", "no step", "relu", "running variance", "epsilon"],
)
def test_what_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, where: str, what: Any) -> None:
    monkeypatch.setattr(f"ddtrain.bench.peers.numpy_steps.{where}", what)
    with pytest.raises(registry.CannotRun, match="numpy computes something else: after"):
        compare("numpy", "mlp_bn")


def test_other_batches_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = data.batches
    monkeypatch.setattr(data, "batches", lambda seed, *rest: batches(seed + 1, *rest))
    theirs = numpy_steps._Loop(WORKLOADS["tiny_mlp"])
    monkeypatch.undo()
    with ours(LOCAL, "tiny_mlp", WORKLOADS["tiny_mlp"]) as mine:
        trails = agreement.trail(mine.step, mine), agreement.trail(theirs, theirs)
    with pytest.raises(registry.CannotRun, match="after 2 steps its loss is"):
        agreement.require("numpy", {}, *trails)


@pytest.mark.parametrize("second", [Point(float("nan"), {}), Point(1.0, {"w": np.full(2, np.nan)}), Point(1.0, {})])
def test_what_is_not_finite_or_missing_later_is_refused(second: Point) -> None:
    start, reached = {"w": np.zeros(2)}, Point(1.0, {"w": np.ones(2)})
    agreement.require("it", start, [reached, reached], [reached, reached])
    with pytest.raises(registry.CannotRun, match="after 5 steps"):
        agreement.require("it", start, [reached, reached], [reached, second])


def test_a_tensor_that_hardly_moves_is_held_to_what_others_move() -> None:
    start = {name: np.zeros(4) for name in "abc"}
    mine = {"a": np.ones(4), "b": np.ones(4), "c": np.full(4, 1e-9)}
    assert agreement.worst(start, mine, {**mine, "c": np.full(4, -1e-9)})[1] < 1e-7
    path, difference = agreement.worst(start, mine, {**mine, "c": np.full(4, 0.05)})
    assert path == "c"
    assert difference == pytest.approx(0.5)
