"""The step: what is applied, what a skipped one leaves alone, and what it says of a loss that is none."""

from __future__ import annotations

from typing import Any

import nodes  # noqa: F401  a backend
import numpy as np
import pytest

from ddtrain import data, nn
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import NonFiniteError, ShapeError
from ddtrain.parallel.collectives.messages import MessageCollectives
from ddtrain.parallel.hooks.error_feedback import ErrorFeedback
from ddtrain.trainer.config.config import Clip, Comm, NonFinite, Optim, Run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.step_control import StepControl
from ddtrain.trainer.step.totals import Totals
from ddtrain.trainer.task import Task
from helpers import Net, make_task, sgd_config
from worlds import World

CONFIG = sgd_config()


def stepped(control: StepControl) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors before and after one step."""
    task = make_task(Net())
    step = build_step(LocalCommunicator(), task, CONFIG)
    before = {name: x.copy() for name, x in step.store.tensors.items()}
    step.gradients(0, np.arange(7))
    step.apply(control)
    return before, {name: x.copy() for name, x in step.store.tensors.items()}


def test_a_step_changes_parameters_and_running_statistics() -> None:
    before, after = stepped(StepControl(lr=0.1, scale=1.0, grad_norm=1.0))
    unchanged = [name for name in before if np.array_equal(before[name], after[name])]
    assert unchanged == []


def test_waiting_is_counted_on_every_channel() -> None:
    def body(comm: Communicator) -> None:
        step = build_step(comm, make_task(Net()), sgd_config(comm=Comm(hook="float16")))
        step.gradients(0, np.arange(7))
        hook, before = step.reducer.hook, step.waited_s
        assert isinstance(hook, ErrorFeedback)
        channels: list[Any] = [step.comm, step.totals_reducer.comm, step.node.column, hook._second]
        for messages in (step.control_comm, step.model_comm):
            assert isinstance(messages, MessageCollectives)
            channels += [messages.comm, messages._tags]
        for k, channel in enumerate(channels):
            channel.waited_s += 10.0**k
        assert step.waited_s - before == pytest.approx(11111111.0)

    World("threads:2").run(body)


def test_a_skipped_step_changes_nothing_at_all() -> None:
    before, after = stepped(StepControl(lr=0.1, scale=1.0, grad_norm=1.0, apply=False))
    assert [name for name in before if not np.array_equal(before[name], after[name])] == []


class Spread(nn.Module):
    """Batch-norm of a column that a huge entry of the data reaches; the loss stays finite."""

    def __init__(self, sync: bool) -> None:
        self.norm, self.head = nn.BatchNorm(6, sync=sync), nn.Linear(6, 4)

    def forward(self, x: Any) -> Any:
        return self.head(self.norm(x))


@pytest.mark.parametrize("mode", ["sync", "stale", "local"])
@pytest.mark.parametrize("sync", [True, False])
@pytest.mark.parametrize("spec", ["local", "threads:2", "nodes:001"])
def test_running_statistics_that_would_be_infinite_leave_no_trace(spec: str, sync: bool, mode: Any) -> None:
    """A variance of 1e60 is finite in float64, which moments are computed in, and infinite in what keeps them."""
    task = make_task(Spread(sync), np.float32)
    x = task.train.batch(np.arange(23))[0]
    x[1, 2] = 3e30
    spread = Task(task.model, task.loss, data.ArrayData(x, task.train.batch(np.arange(23))[1]))
    config = sgd_config(dtype="float32", run=Run(epochs=1000), nonfinite=NonFinite("skip"), comm=Comm(mode=mode))

    def body(comm: Communicator) -> tuple[list[bool], list[Any]]:
        train_step = build_step(comm, spread, config)
        mode, coordinator, sound, seen = make_mode(train_step, config.comm), Coordinator(config, comm, 4), [], []
        for step in range(3):
            totals = mode.gradients(step, np.arange(7) + 7 * (step != 1))
            assert np.isfinite(totals.loss_sum)
            sound.append(totals.finite)
            mode.apply(coordinator.decide(step, totals, mode.square_norm()))
            seen.append(train_step.store.state.copy())
        return sound, seen

    for sound, (first, second, third) in World(spec).run(body):
        assert sound == [True, False, True]
        np.testing.assert_array_equal(first, second)
        assert np.isfinite(third).all()
        assert not np.array_equal(second, third)


def test_a_run_that_such_statistics_stop_says_so() -> None:
    totals, coordinator = Totals(), Coordinator(sgd_config(), LocalCommunicator(), 4)
    totals.add(np.ones(3), {})
    totals.buffers_overflow = True
    with pytest.raises(NonFiniteError, match="loss is 1, gradient norm is 2, but running statistics would no longer"):
        coordinator.decide(0, totals, 4.0)


def test_a_limit_by_value_is_applied_after_the_one_by_norm() -> None:
    """To each element of the gradient as it is applied: scaled first, then cut."""
    config = sgd_config(optim=Optim(name="sgd", lr=0.1, momentum=0.0), clip=Clip(norm=1.0, value=0.02))
    step = build_step(LocalCommunicator(), make_task(Net()), config)
    before = step.store.values.copy()
    step.gradients(0, np.arange(7))
    scaled = 0.25 * step.store.grads
    step.apply(StepControl(lr=0.1, scale=0.25, grad_norm=4.0))
    assert (np.abs(scaled) > 0.02).any()
    assert (np.abs(scaled) < 0.005).any(), "else a limit four times too low would cut all alike"
    np.testing.assert_allclose(before - step.store.values, 0.1 * np.clip(scaled, -0.02, 0.02), rtol=0, atol=1e-15)


class Switched(nn.Module):
    """Uses one of two weights, as its samples say."""

    def __init__(self) -> None:
        self.left, self.right = nn.param((), nn.init.ones), nn.param((), nn.init.ones)

    def forward(self, x: Any) -> Any:
        return x * (self.left if x.sum() > 0 else self.right)


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_a_weight_that_a_step_does_not_use_has_a_gradient_of_zero_not_that_of_the_step_before(pieces: int) -> None:
    x = np.array([1.0] * 6 + [-1.0] * 6)
    task = Task(Switched(), lambda model, x: (model(x), {}), data.ArrayData(x))
    step = build_step(LocalCommunicator(), task, sgd_config(6, run=Run(dtype="float64", accumulate=pieces)))
    for rows, expected in ((np.arange(6), [1.0, 0.0]), (np.arange(6, 12), [0.0, -1.0]), (np.arange(6), [1.0, 0.0])):
        step.gradients(0, rows)
        assert [float(view) for view in step.store.grad_views] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda losses: losses.sum(), r"loss is an array of shape \(\)"),
        (lambda losses: [1.0] * 7, "loss is a list"),
        (lambda losses: 1.0, "loss is a float"),
    ],
    ids=["mean", "list", "number"],
)
def test_a_loss_that_is_not_one_number_a_sample(returned: Any, said: str) -> None:
    task = make_task()
    wrong = Task(task.model, lambda *args: (returned(task.loss(*args)[0]), {}), task.train)
    step = build_step(LocalCommunicator(), wrong, CONFIG)
    with pytest.raises(ShapeError, match=said) as caught:
        step.gradients(0, np.arange(7))
    assert "their mean" in caught.value.remedy
    assert not str(caught.value).endswith(", ")
