"""ONNX files: what onnxruntime computes from them is what the model computes; what ONNX lacks is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as anp
from ddtrain import nn
from ddtrain.errors import UsageError
from ddtrain.export import to_onnx
from ddtrain.export.operators import OPERATORS
from ddtrain.models import Gpt, Mlp
from ddtrain.nn.functional import gelu, relu
from ddtrain.recipes import RECIPES
from ddtrain.recipes.trained import build_task
from ddtrain.runs.run_export import arguments

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'ddtrain[onnx]'")
ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'ddtrain[onnx]'")

# Both sum the same products in another order: the largest of these models, a ResNet of 20 layers, is 5e-7 off
CLOSE = 1e-5


def computed(file: bytes, batch: Any) -> list[Any]:
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    found: list[Any] = session.run(None, {f"input_{k}": x for k, x in enumerate(batch)})
    return found


def agrees(model: nn.Module, values: Any, *batches: Any) -> None:
    """The file, traced with two batches, computes what the model does of the third, of another size."""
    (found,) = computed(to_onnx(model, values, *batches[:2]), batches[2])
    wanted = model.bind(values)(*batches[2])
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=CLOSE, atol=CLOSE * np.abs(wanted).max())


def waves(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


UNSAID = {"digits_to_words": "differs from batch to batch"}  # masks of padding, made of the words by plain NumPy


@pytest.mark.parametrize("name", RECIPES)
def test_the_shipped_models(name: str) -> None:
    task = build_task(RECIPES[name].build, RECIPES[name].config)
    model = task.model
    values = model.init(3)
    # statistics other than 0 and 1, which would hide that they are left out
    values = {path: np.abs(waves(*x.shape)) + 0.5 if "running" in path else x for path, x in values.items()}
    batches = [task.train.batch(rows)[: arguments(model)] for rows in (np.arange(2), np.arange(2, 5), np.arange(5, 12))]
    if name in UNSAID:
        with pytest.raises(UsageError, match=UNSAID[name]):
            to_onnx(model, values, *batches[:2])
    else:
        agrees(model, values, *batches)


class Called(nn.Module):
    """A function as a model."""

    def __init__(self, fun: Any) -> None:
        self.fun = fun

    def forward(self, x: Any) -> Any:
        return self.fun(x)


FUNCTIONS = {
    "slices": lambda x: x[:, 1:4:2, None, ::-1],
    "from the end": lambda x: x[:, -1] + x[..., 0, :] + x[:, -2],
    "numbers on either side": lambda x: 2.0 - 3.0 / (1.0 + x * x) ** 1.5,
    "sums": lambda x: anp.sum(x, axis=-1, keepdims=True) + anp.sum(x, axis=(1, 2), keepdims=True),
    "means": lambda x: anp.mean(x, axis=1) + anp.max(x, axis=1),
    "functions": lambda x: anp.exp(-abs(x)) + anp.sin(x) * anp.cos(x) + anp.log(1 + x * x) + anp.sqrt(x * x + 1),
    "larger": lambda x: anp.maximum(x, 0.1) - anp.minimum(x, -0.2),
    "turned": lambda x: anp.transpose(x, (0, 2, 1)) @ x,
    "shaped": lambda x: anp.reshape(anp.expand_dims(x, 1), (x.shape[0], -1)),
    "beside": lambda x: anp.concatenate([x, np.ones((1, 5, 4), np.float32) * x, relu(x)], axis=-1),
    "gelu of tanh": lambda x: gelu(x, approximate="tanh"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    agrees(Called(FUNCTIONS[name]), {}, *((waves(n, 5, 4),) for n in (2, 3, 7)))


LAYERS = {
    "grouped": (nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), (9, 8, 4)),
    "dilated": (nn.Conv2d(4, 2, 3, dilation=2, bias=False), (9, 8, 4)),
    "overlapping": (nn.MaxPool2d(3, stride=2, padding=1), (9, 8, 4)),
    "averaged": (nn.AvgPool2d(3, stride=2, padding=1), (9, 8, 4)),
    "gru": (nn.GRU(4, 6, layers=2, bidirectional=True), (5, 4)),
    "lstm": (nn.LSTM(4, 6, layers=2, bidirectional=True), (5, 4)),
    **{name: (nn.activation(name), (5, 4)) for name in ("elu", "selu", "silu", "leaky_relu", "sigmoid", "gelu")},
    "softmax": (nn.Softmax(), (5, 4)),
    "log_softmax": (nn.LogSoftmax(), (5, 4)),
    "layer_norm": (nn.LayerNorm(4), (5, 4)),
}


class First(nn.Module):
    """A layer whose states after the sequence are not asked for."""

    def __init__(self, layer: nn.Module) -> None:
        self.layer = layer

    def forward(self, x: Any) -> Any:
        y = self.layer(x)
        return y[0] if isinstance(y, tuple) else y


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    layer, shape = LAYERS[name]
    model = First(layer)
    agrees(model, model.init(1), *((waves(n, *shape),) for n in (2, 3, 7)))


def test_a_file_has_the_names_of_the_model_and_any_number_of_samples() -> None:
    model = Mlp((4, 5, 3))
    found = onnx.load_from_string(to_onnx(model, model.init(), (waves(2, 4),), (waves(3, 4),)))
    assert {tensor.name for tensor in found.graph.initializer} == set(model.declarations())
    (taken,), (given,) = found.graph.input, found.graph.output
    for one, name, width in ((taken, "input_0", 4), (given, "output_0", 3)):
        axes = one.type.tensor_type.shape.dim
        assert (one.name, axes[0].dim_param, axes[1].dim_value) == (name, "N", width)


def test_dropout_is_no_step_and_text_is_causal() -> None:
    model = Gpt(11, 6, d=8, heads=2, layers=1, dropout=0.5)
    text = lambda n: (np.arange(6 * n).reshape(n, 6) % 11,)
    agrees(model, model.init(0), text(2), text(3), text(5))


@pytest.mark.parametrize(
    ("fun", "said"),
    [
        (lambda x: anp.cumsum(x, axis=1), r"cumsum\(.*\): ONNX has nothing for cumsum"),
        (lambda x: x * np.asarray(x.value > 0), "differs from batch to batch, but no traced function made it"),
        (lambda x: x[:, np.array([0, 2])], "no such index of arrays"),
        (lambda x: anp.reshape(x, (x.shape[0] * 5, 4)) @ anp.transpose(anp.reshape(x, (-1, 4))), "several axes"),
    ],
)
def test_what_onnx_lacks_is_named(fun: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        to_onnx(Called(fun), {}, (waves(2, 5, 4),), (waves(3, 5, 4),))


def test_operators_are_of_primitives_that_there_are() -> None:
    from ddtrain.autodiff.core.primitives import PRIMITIVES
    from ddtrain.export.onnx_file import ALL

    assert set(OPERATORS) <= set(ALL) <= {prim.__name__ for prim in PRIMITIVES}
