"""Modules: declaration, initial values, binding, PyTorch's layouts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import grad, models, nn
from ddtrain.errors import ShapeError, UsageError


class Two(nn.Module):
    def __init__(self) -> None:
        self.a = nn.Linear(3, 4)
        self.rest = [nn.Linear(4, 4), nn.relu(), nn.Linear(4, 2)]

    def forward(self, x: Any) -> Any:
        x = self.a(x)
        for layer in self.rest:
            x = layer(x)
        return x


def test_paths_follow_attributes_and_lists() -> None:
    assert list(Two().declarations()) == [
        "a.weight",
        "a.bias",
        "rest.0.weight",
        "rest.0.bias",
        "rest.2.weight",
        "rest.2.bias",
    ]


def test_initial_values_depend_on_seed_and_path_alone() -> None:
    class Reordered(nn.Module):
        def __init__(self) -> None:
            self.rest = [nn.Linear(4, 4), nn.relu(), nn.Linear(4, 2)]
            self.a = nn.Linear(3, 4)

    first, second = Two().init(5), Reordered().init(5)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.array_equal(first["a.weight"], Two().init(6)["a.weight"])
    assert not np.array_equal(first["rest.0.bias"], first["rest.2.bias"][:1])


def test_a_model_is_a_function_of_its_values() -> None:
    model, x = Two(), np.random.default_rng(0).standard_normal((5, 3))
    values = model.init(0, np.float64)
    gradient = grad(lambda v: dnp.sum(model.bind(v)(x) ** 2))(values)
    eps = 1e-6
    for name in values:
        index = tuple(np.zeros(values[name].ndim, int))
        up, down = ({**values, name: values[name].copy()} for _ in range(2))
        up[name][index] += eps
        down[name][index] -= eps
        central = (np.sum(model.bind(up)(x) ** 2) - np.sum(model.bind(down)(x) ** 2)) / (2 * eps)
        assert abs(central - gradient[name][index]) < 1e-6 * max(1, abs(central))


def test_binding_leaves_the_model_as_it_was() -> None:
    model = Two()
    model.bind(model.init(0))
    with pytest.raises(UsageError, match="Bind it first"):
        model(np.zeros((1, 3)))


def test_a_missing_value_is_named() -> None:
    model = Two()
    values = model.init(0)
    del values["rest.2.bias"]
    with pytest.raises(UsageError, match=r"no value for rest\.2\.bias"):
        model.bind(values)


def test_errors_name_the_layer() -> None:
    model = Two()
    with pytest.raises(ShapeError, match="linear: x has 7 columns but weight has 3 rows") as caught:
        model.bind(model.init(0))(np.zeros((1, 7)))
    assert caught.value.place["layer"] == "a"


def test_dropout_is_off_outside_training_and_needs_numbers_inside() -> None:
    x = np.ones((4, 8))
    layer = nn.Dropout(0.5)
    assert layer.bind({})(x) is x
    with pytest.raises(UsageError, match="needs random numbers"):
        layer.bind({}, training=True)(x)


MODELS = {
    "mlp": models.Mlp((6, 5, 3), batch_norm=True, dropout=0.1),
    "cnn": models.Cnn((8, 8, 2), (3, 4), 5),
    "lenet": models.LeNet(),
    "resnet8": models.ResNet8(widths=(4, 6, 8)),
}


@pytest.mark.parametrize("name", MODELS)
def test_layouts_go_to_pytorch_and_back_to_the_bit(name: str) -> None:
    model = MODELS[name]
    values = model.init(1)
    there = nn.to_torch(model, values)
    back = nn.from_torch(model, there)
    assert all(np.array_equal(values[k], back[k]) for k in values)
    assert {k: v.shape for k, v in there.items()} == {k: d.torch_shape() for k, d in model.declarations().items()}


def test_no_layer_is_larger_than_any_array() -> None:
    layers: list[Any] = [lambda n: nn.Linear(3, n), lambda n: nn.Conv2d(3, n, 3), lambda n: nn.Embedding(n, 2)]
    for layer in (*layers, nn.LayerNorm):
        with pytest.raises(UsageError, match=r"parameter: no array has the shape \("):
            layer(10**30)


def test_widths_may_be_of_any_integer_type() -> None:
    assert nn.Linear(np.int64(3), np.uint8(2)).init()["weight"].shape == (3, 2)


def test_a_layer_that_computes_in_call_is_told_of_forward() -> None:
    with pytest.raises(UsageError, match=r"Late computes in __call__.*\n.*Name it forward"):

        class Late(nn.Module):
            def __call__(self, x: Any) -> Any:
                return x
