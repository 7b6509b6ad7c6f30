"""Norms as layers: PyTorch's names, running averages over all batches, statistics that stand still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch_numbers import wave

from ddtrain import nn, ops
from ddtrain.errors import ShapeError, UsageError

X = wave((3, 4, 2, 6), 0)
LAYERS: dict[str, tuple[nn.Module, Callable[..., Any]]] = {
    "GroupNorm": (nn.GroupNorm(3, 6, 0.1), lambda x, w, b: ops.group_norm(x, w, b, 3, 0.1)),
    "InstanceNorm": (nn.InstanceNorm(6, 0.1), lambda x: ops.instance_norm(x, 0.1)),
    "InstanceNorm affine": (nn.InstanceNorm(6, affine=True), lambda x, w, b: ops.group_norm(x, w, b, 6)),
    "LayerNorm": (nn.LayerNorm(6), ops.layer_norm),
    "RMSNorm": (nn.RMSNorm(6), lambda x, w: ops.rms_norm(x, w, float(np.finfo(x.dtype).eps))),
    "RMSNorm eps": (nn.RMSNorm(6, 0.1), lambda x, w: ops.rms_norm(x, w, 0.1)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_its_operation_in_and_out_of_training(name: str) -> None:
    layer, op = LAYERS[name]
    declared = layer.init(0, np.float64)
    assert all((x == (k == "weight")).all() for k, x in declared.items())
    for dtype in (np.float64, np.float32):
        values = {k: wave((6,), i).astype(dtype) for i, k in enumerate(declared)}
        for training in (False, True):
            y = layer.bind(values, training=training)(X.astype(dtype))
            np.testing.assert_array_equal(y, op(X.astype(dtype), *values.values()))
            assert y.dtype == dtype


def test_batch_norm_averages_over_all_batches_as_pytorch_does() -> None:
    norm = nn.BatchNorm(3, momentum=None)
    values = norm.init(0, np.float64)
    for k in range(3):
        bound = norm.bind(values, training=True)
        bound(wave((5, 3), k) + k)
        values = {**values, **bound.run.updates}
    # PyTorch 2.13: BatchNorm1d(3, momentum=None) after the same batches
    expected_mean = [0.7251095419566955, 1.928493689024622, 0.3900417338197716]
    expected_var = [0.11209020883614318, 0.007121924450934818, 0.03332107490617797]
    np.testing.assert_allclose(values["running_mean"], expected_mean, rtol=1e-10)
    np.testing.assert_allclose(values["running_var"], expected_var, rtol=1e-10)
    assert values["num_batches_tracked"] == 3


def test_batch_norm_called_twice_counts_both_in_its_average() -> None:
    norm = nn.BatchNorm(3, momentum=None)
    bound = norm.bind(norm.init(0, np.float64), training=True)
    parts = [wave((5, 3), k) + k for k in range(2)]
    for x in parts:
        bound(x)
    np.testing.assert_allclose(bound.run.updates["running_mean"], np.mean([x.mean(0) for x in parts], 0), rtol=1e-12)


def test_frozen_batch_norm_is_batch_norm_out_of_training_and_leaves_no_updates() -> None:
    values = {"weight": wave((6,), 1), "bias": wave((6,), 2), "running_mean": wave((6,), 3)}
    values["running_var"] = 1.5 + wave((6,), 4)
    frozen, norm = nn.FrozenBatchNorm(6), nn.BatchNorm(6)
    bound = frozen.bind(values, training=True)
    expected = norm.bind({**values, "num_batches_tracked": np.zeros(())})(X)
    np.testing.assert_array_equal(bound(X), expected)
    assert bound.run.updates == {}
    assert not any(d.trained for d in frozen.declarations().values())


WRONG: dict[str, Callable[[], Any]] = {
    "GroupNorm: 4 groups do not divide 6 channels": lambda: nn.GroupNorm(4, 6),
    "GroupNorm: groups 0 is less than 1": lambda: nn.GroupNorm(0, 6),
    "InstanceNorm: channels 0 is less than 1": lambda: nn.InstanceNorm(0),
    "InstanceNorm: x has shape (3, 4, 2, 6), not (N, ..., 5)": lambda: nn.InstanceNorm(5).bind({})(X),
    "RMSNorm: d 1.5 is not an integer": lambda: nn.RMSNorm(1.5),  # type: ignore[arg-type]
    "FrozenBatchNorm: channels -1 is less than 1": lambda: nn.FrozenBatchNorm(-1),
    "BatchNorm: momentum 2.0 is not in [0, 1]": lambda: nn.BatchNorm(3, momentum=2.0),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_no_layer_can_be_made_of(message: str) -> None:
    with pytest.raises((ShapeError, UsageError)) as caught:
        WRONG[message]()
    assert caught.value.message.startswith(message)
