"""Gradients that vanish or explode are named with the layer where it begins, on numbers and on nets that do it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.diagnose.layers.verdicts import verdicts
from ddtrain.diagnose.layers.watched_pass import watch_layers
from ddtrain.trainer.step.setup import build_step
from helpers import make_task, sgd_config


def found(gradients: Any) -> list[tuple[str, str]]:
    named = {f"l{k}": g for k, g in enumerate(gradients)}
    return [(each.kind, each.layer) for each in verdicts({}, named)]


@pytest.mark.parametrize(
    ("gradients", "expected"),
    [
        ([1.0, 1.0, 1.0], []),
        ([0.002, 1.0, 1.0], []),  # not yet a thousandth
        ([1e-4, 1e-4, 1e-4, 1.0], [("vanishing", "l2")]),  # at one layer
        ([1e-6, 1e-4, 0.05, 0.5, 1.0], [("vanishing", "l2")]),  # bit by bit
        ([1e-6, 1.0, 1e-3, 1.0], [("vanishing", "l0")]),  # what recovers has not begun
        ([0.0, 0.0, 1.0], [("vanishing", "l1")]),  # a dead layer
        ([1e5, 1e3, 20.0, 2.0, 1.0], [("exploding", "l2")]),
        ([0.0, 1.0, 1.0], [("vanishing", "l0")]),
        ([np.nan, 1.0, 1.0], []),
        ([0.0, 0.0], []),  # no gradient at all vanishes nowhere
        ([], []),
    ],
)
def test_where_it_begins(gradients: Any, expected: Any) -> None:
    assert found(gradients) == expected


def deep(activation: Any, scale: float, layers: int = 12) -> nn.Module:
    normal = lambda rng, shape: scale * rng.standard_normal(shape)
    chain: list[Any] = []
    for k in range(layers):
        linear = nn.Linear(6 if k == 0 else 16, 16, bias=False)
        linear.weight = nn.param(linear.weight.shape, normal, torch_axes=(1, 0))
        chain += [linear, activation()]
    return nn.Sequential(*chain, nn.Linear(16, 4, bias=False))


def of_net(net: nn.Module) -> list[tuple[str, str]]:
    step = build_step(LocalCommunicator(), make_task(net), sgd_config())
    seen = watch_layers(step, 0, np.arange(7))
    outputs = {each.path: each.outputs.as_dict() for each in seen}
    return [(each.kind, each.layer) for each in verdicts(outputs, {each.path: each.gradient for each in seen})]


def test_twelve_sigmoid_layers_shrink_the_gradient_and_its_beginning_is_near_the_loss() -> None:
    kinds = dict(of_net(deep(nn.Sigmoid, 0.25)))
    assert "vanishing" in kinds
    assert int(kinds["vanishing"]) >= 18, "the last three of twenty-four"
    assert "exploding" not in kinds


def test_large_weights_explode_and_he_weights_do_neither() -> None:
    assert {kind for kind, _ in of_net(deep(nn.ReLU, 2.0))} >= {"exploding", "exploding outputs"}
    kinds = {kind for kind, _ in of_net(deep(nn.ReLU, np.sqrt(2 / 16)))}
    assert not kinds & {"vanishing", "exploding", "vanishing outputs", "exploding outputs"}


def test_small_weights_shrink_outputs_too() -> None:
    kinds = {kind for kind, _ in of_net(deep(nn.Tanh, 0.02))}
    assert {"vanishing", "vanishing outputs"} <= kinds


def test_saturated_layers_are_named() -> None:
    assert any(kind == "saturated" for kind, _ in of_net(deep(nn.Tanh, 5.0)))


def test_updates_far_too_large_or_small_are_told() -> None:
    said = verdicts({}, {}, {"a": 0.5, "b": 1e-3, "c": 1e-9, "d": 0.0})
    assert [(each.kind, each.layer) for each in said] == [
        ("large update", "a"),
        ("small update", "c"),
        ("small update", "d"),
    ]
    assert all(each.remedy.startswith("Try ") for each in said)


def test_small_updates_that_a_vanishing_gradient_explains_are_not_told_again() -> None:
    said = verdicts({}, {"a": 1e-9, "b": 1.0}, {"a": 1e-12, "b": 0.5})
    assert [(each.kind, each.layer) for each in said] == [("vanishing", "a"), ("large update", "b")]
