"""A forward pass is a function of values: called again it sees the same samples and draws the same numbers."""

from __future__ import annotations

import numpy as np

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.ops import use_communicator
from ddtrain.trainer.step.setup import build_step
from helpers import Net, make_task, sgd_config


def test_the_same_values_give_the_same_losses_and_updates_again() -> None:
    step = build_step(LocalCommunicator(), make_task(Net()), sgd_config())
    forward = step.forward_pass(0, np.arange(7), 2, 5, np.float64)
    with use_communicator(step.model_comm):
        first, updates = forward(step.store.tensors), dict(forward.updates)
        again = forward(step.store.tensors)
    assert first.shape == (3,), "the samples asked for"
    np.testing.assert_array_equal(again, first)
    assert updates, "batch-norm has left new statistics"
    for name, value in updates.items():
        np.testing.assert_array_equal(forward.updates[name], value)
    assert all(np.shape(x) == (3,) for x in forward.metrics.values())


def test_other_values_of_the_parameters_leave_the_store_as_it_is() -> None:
    step = build_step(LocalCommunicator(), make_task(Net()), sgd_config())
    before = step.store.values.copy()
    forward = step.forward_pass(0, np.arange(7), 0, 7, np.float64)
    with use_communicator(step.model_comm):
        here = forward(step.store.tensors)
        there = forward(step.store.with_parameters([view + 0.1 for view in step.store.value_views]))
    assert not np.array_equal(here, there)
    np.testing.assert_array_equal(step.store.values, before)
