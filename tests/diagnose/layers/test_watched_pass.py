"""What layers give and get, against NumPy on nets made by hand, and on three ranks what it is on one."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.autodiff import checkpoint
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data import ArrayData
from ddtrain.diagnose.layers.statistics import SIGMOID, Sums, of_ranks, statistics, thresholds_of_operation
from ddtrain.diagnose.layers.watched_pass import LayerOutput, watch_layers
from ddtrain.errors import UsageError
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import make_task, sgd_config
from worlds import World

ROWS = np.arange(7)


def watched(task: Task, comm: Any = None, step: int = 0, dtype: str = "float64") -> list[LayerOutput]:
    train_step = build_step(comm or LocalCommunicator(), task, sgd_config(dtype=dtype))
    return watch_layers(train_step, step, ROWS)


class Functions(nn.Module):
    """Activations as functions, one of them of a value that no later layer uses."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(6, 5), nn.Linear(5, 4)

    def forward(self, x: Any) -> Any:
        hidden = nn.functional.tanh(self.first(x))
        nn.functional.relu(hidden)
        return self.second(hidden)


def squares(model: Any, x: Any, y: Any) -> Any:
    out = model(x)
    return (out * out).sum(axis=1)


def test_gradients_and_statistics_are_those_worked_out_by_hand() -> None:
    x = np.random.default_rng(1).standard_normal((7, 6))
    task = Task(Functions(), squares, ArrayData(x, np.zeros(7)))
    first, tanh, relu, second = watched(task)
    assert [(each.path, each.kind) for each in (first, tanh, relu, second)] == [
        ("first", "Linear"),
        ("Functions", "tanh"),
        ("Functions", "relu"),
        ("second", "Linear"),
    ]
    values = task.model.init(0, "float64")
    before = x @ values["first.weight"] + values["first.bias"]
    hidden = np.tanh(before)
    out = hidden @ values["second.weight"] + values["second.bias"]
    g_out = 2 * out / 7
    g_hidden = g_out @ values["second.weight"].T
    g_before = g_hidden * (1 - hidden**2)
    for seen, output, g in ((first, before, g_before), (tanh, hidden, g_hidden), (second, out, g_out)):
        assert seen.outputs.mean == pytest.approx(output.mean(), rel=1e-12)
        assert seen.outputs.std == pytest.approx(output.std(), rel=1e-12)
        assert seen.gradient == pytest.approx(np.linalg.norm(g), rel=1e-12)
    assert tanh.outputs.saturated == (np.abs(hidden) > 0.99).mean()
    assert relu.outputs.zeros == (hidden <= 0).mean()
    assert relu.outputs.dead == (hidden <= 0).all(axis=0).mean()
    assert relu.gradient == 0, "the loss does not depend on it"
    assert first.outputs.saturated is None


@pytest.mark.parametrize("shards", [0, 5])
@pytest.mark.parametrize("spec", ["threads:3", "nodes:0011"])
def test_several_ranks_see_what_one_sees(spec: str, shards: int) -> None:
    """With batch-norm over all of them, dropout, and parts of 2 and 3 samples."""
    config = sgd_config().updated({"run": {"shards": shards}})
    alone = watch_layers(build_step(LocalCommunicator(), make_task(), config), 3, ROWS)
    assert [each.path for each in alone] == ["first", "norm", "Net", "dropout", "head"]
    for found in World(spec).run(lambda comm: watch_layers(build_step(comm, make_task(), config), 3, ROWS)):
        for one, other in zip(alone, found, strict=True):
            assert (one.path, one.kind) == (other.path, other.kind)
            assert other.gradient == pytest.approx(one.gradient, rel=1e-10)
            assert other.outputs.as_dict() == pytest.approx(one.outputs.as_dict(), rel=1e-10, abs=1e-13)


def test_ranks_without_samples_take_part() -> None:
    config = sgd_config(batch_size=5)
    rows = np.arange(2)
    alone = watch_layers(build_step(LocalCommunicator(), make_task(), config), 0, rows)
    for found in World("threads:3").run(lambda comm: watch_layers(build_step(comm, make_task(), config), 0, rows)):
        assert [each.gradient for each in found] == pytest.approx([each.gradient for each in alone], rel=1e-10)
        assert [each.outputs.dead for each in found] == [each.outputs.dead for each in alone]


def test_it_changes_nothing() -> None:
    train_step = build_step(LocalCommunicator(), make_task(), sgd_config())
    before = {name: x.copy() for name, x in train_step.store.tensors.items()}
    watch_layers(train_step, 0, ROWS)
    assert all(np.array_equal(before[name], x) for name, x in train_step.store.tensors.items())


def test_a_dead_layer_and_a_saturated_one_are_told() -> None:
    constant = lambda value: lambda rng, shape: np.full(shape, value)
    first, middle = nn.Linear(6, 8), nn.Linear(8, 5)
    first.bias, middle.bias = nn.param((8,), constant(-100.0)), nn.param((5,), constant(50.0))
    net = nn.Sequential(first, nn.ReLU(), middle, nn.Tanh(), nn.Linear(5, 4))
    task = make_task(net)
    found = {each.path: each for each in watched(task)}
    assert (found["1"].outputs.dead, found["3"].outputs.saturated) == (1.0, 1.0)
    assert (found["0"].gradient, found["1"].gradient) == (0.0, pytest.approx(0.0, abs=1e-30))
    assert found["4"].gradient > 0


def test_a_layer_that_is_called_twice_is_told_twice_with_the_gradient_of_each_call() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.inner, self.head = nn.Linear(6, 6), nn.Linear(6, 4)

        def forward(self, x: Any) -> Any:
            return self.head(self.inner(nn.functional.relu(self.inner(x))))

    found = watched(make_task(Twice()))
    assert [each.path for each in found] == ["inner", "Twice", "inner, call 2", "head"]
    assert found[0].gradient != found[2].gradient


def test_what_is_recomputed_on_the_way_back_has_outputs_and_no_gradient() -> None:
    class Recomputed(nn.Module):
        def __init__(self) -> None:
            self.first, self.inner, self.head = nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 4)

        def forward(self, x: Any) -> Any:
            return self.head(checkpoint(lambda h: self.inner(h) * 2)(self.first(x)))

    found = watched(make_task(Recomputed()))
    assert [each.path for each in found] == ["first", "inner", "head"], "what runs again is no further call"
    assert [bool(np.isnan(each.gradient)) for each in found] == [False, True, False]


def test_float32_is_seen_in_float32() -> None:
    double, single = watched(make_task()), watched(make_task(dtype=np.float32), dtype="float32")
    assert [each.gradient for each in single] == pytest.approx([each.gradient for each in double], rel=1e-4)


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("sigmoid", [], SIGMOID),
        ("hard_tanh", [], (-0.99, 0.99)),
        ("hard_tanh", [0.0, 4.0], (0.02, 3.98)),
        ("relu", [], None),
    ],
)
def test_thresholds_of_functions_are_those_of_modules(name: str, args: Any, expected: Any) -> None:
    assert thresholds_of_operation(name, args) == (expected and pytest.approx(expected))


def test_a_deviation_beside_a_large_mean_is_not_lost() -> None:
    """In float32 at a mean of 1000, E[x²] − E[x]² would be off by a tenth."""
    x = (1000 + np.random.default_rng(0).standard_normal((64, 9))).astype(np.float32)
    assert statistics(x)["std"] == pytest.approx(x.astype(np.float64).std(), rel=1e-12)
    parts = Sums.of(x[:5]) + Sums.of(x[5:])
    (found,) = of_ranks(LocalCommunicator(), [parts])
    assert found.as_dict() == pytest.approx(statistics(x), rel=1e-12)


def test_ranks_that_call_other_layers_are_refused() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Linear(6, 4)

        def forward(self, x: Any) -> Any:
            out = self.inner(x)
            return nn.functional.relu(out) if rank.get() else out

    rank: ContextVar[int] = ContextVar("rank", default=0)

    def main(comm: Any) -> Any:
        rank.set(comm.rank)
        return watch_layers(build_step(comm, make_task(Odd()), sgd_config()), 0, ROWS)

    with pytest.raises(UsageError, match="ranks disagree: the list of layers that are called"):
        World("threads:2").run(main)
