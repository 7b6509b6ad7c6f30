"""Files of tensors: PyTorch's names and layouts, and what is said where onnx is missing."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from torch_numbers import assert_pytorchs, digest, wave

from ddtrain import nn
from ddtrain.errors import UsageError
from ddtrain.export import to_onnx, write_npz, write_safetensors

# torch.nn.Sequential(Conv2d(2, 3, 3, padding=1), BatchNorm2d(3), ReLU()).double().eval(), which has loaded such a file
# by load_state_dict, of wave((4, 5, 4, 2), 1) with channels first (PyTorch 2.13.0)
PYTORCHS = [[-1.9172091385006442, 0.08823371603636287]]


def model() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm(3), nn.ReLU())


def values() -> dict[str, Any]:
    declared = model().declarations()
    return {
        path: wave(d.shape, k) + (1.5 if "running_var" in path else 0.0) for k, (path, d) in enumerate(declared.items())
    }


@pytest.mark.parametrize("written", [write_safetensors, write_npz])
def test_names_and_layouts_are_pytorchs(written: Any) -> None:
    file = written(model(), values())
    found = safetensors.numpy.load(file) if written is write_safetensors else dict(np.load(io.BytesIO(file)))
    shapes = {name: x.shape for name, x in found.items()}
    assert shapes.items() >= {"0.weight": (3, 2, 3, 3), "0.bias": (3,), "1.running_var": (3,)}.items()
    np.testing.assert_array_equal(found["0.weight"], values()["0.weight"].transpose(3, 2, 0, 1))
    back = nn.from_torch(model(), found)
    for path, x in values().items():
        if "tracked" in path:  # PyTorch's count of batches is a whole number
            continue
        np.testing.assert_array_equal(back[path], x)


def test_pytorch_computes_the_same_of_such_a_file() -> None:
    assert_pytorchs([digest(model().bind(values())(wave((4, 5, 4, 2), 1)))], PYTORCHS)


def test_tied_values_are_there_under_each_name() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    tied = nn.Sequential(first, second)
    found = safetensors.numpy.load(write_safetensors(tied, tied.init()))
    np.testing.assert_array_equal(found["0.weight"], found["1.weight"])


def test_without_onnx_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    layer = nn.Linear(2, 1)
    with pytest.raises(UsageError, match=r"onnx is not installed\n  pip install 'ddtrain\[onnx\]'"):
        to_onnx(layer, layer.init(), (np.ones((2, 2)),), (np.ones((3, 2)),))
