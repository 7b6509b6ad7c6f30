"""PyTorch's twins of the kernels: the functions that its layers and its backward passes end in, without their tracing.

Each is made once from a case's operands, in PyTorch's own layouts (images with their channels first), and returns what
is compared with our result: the sum of the squares of all numbers is what two layouts have in common. The recurrent
kernels have no twin, because PyTorch's do a whole layer at once, nor has dropout where the numbers are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ddtrain.bench.kernels.passes import EPS, RATE
from ddtrain.bench.peers.pytorch import images_first
from ddtrain.bench.peers.pytorch_models import torch

Thunk = Callable[[], Any]
aten: Any = torch.ops.aten if torch else None


def square_sum(result: Any) -> float:
    """Of an array or tensor, or of the first of several."""
    first = result[0] if isinstance(result, tuple | list) else result
    return float((first.double() ** 2).sum() if hasattr(first, "double") else (first.astype(float) ** 2).sum())


def _convolution(wanted: int) -> Callable[..., Thunk]:
    """Forward (-1), or the gradient of input (0) or weight (1)."""

    def twin(x_NHWC: Any, w_HWIO: Any, g_NHWC: Any, stride: int) -> Thunk:
        x, g = images_first(x_NHWC), images_first(g_NHWC)
        w = images_first(w_HWIO.transpose(3, 0, 1, 2))
        pad, one, zero = [w.shape[2] // 2] * 2, [1, 1], [0, 0]
        if wanted < 0:
            return lambda: aten.convolution(x, w, None, [stride] * 2, pad, one, False, zero, 1)
        mask = [wanted == 0, wanted == 1, False]
        how = (None, [stride] * 2, pad, one, False, zero, 1, mask)
        return lambda: aten.convolution_backward(g, x, w, *how)[wanted]

    return twin


def _linear(x: Any, w_DK: Any, b: Any, g: Any) -> Thunk:
    weight, x_, bias = torch.from_numpy(w_DK.T.copy()), torch.from_numpy(x), torch.from_numpy(b)
    return lambda: torch.nn.functional.linear(x_, weight, bias)


def _linear_input(x: Any, w_DK: Any, b: Any, g: Any) -> Thunk:
    weight, g_ = torch.from_numpy(w_DK.T.copy()), torch.from_numpy(g)
    return lambda: g_ @ weight


def _linear_weight(x: Any, w_DK: Any, b: Any, g: Any) -> Thunk:
    x_, g_ = torch.from_numpy(x), torch.from_numpy(g)
    return lambda: g_.t() @ x_


def _batch_norm(x: Any, g: Any, scale: Any, shift: Any) -> Thunk:
    x, w, b = images_first(x), torch.from_numpy(scale), torch.from_numpy(shift)
    return lambda: aten.native_batch_norm(x, w, b, None, None, True, 0.1, EPS)


def _batch_norm_backward(x: Any, g: Any, scale: Any, shift: Any) -> Thunk:
    _, mean, inv_std = _batch_norm(x, g, scale, shift)()
    x, g, w = images_first(x), images_first(g), torch.from_numpy(scale)
    return lambda: aten.native_batch_norm_backward(g, x, w, None, None, mean, inv_std, True, EPS, [True] * 3)


def _layer_norm(x: Any, g: Any, scale: Any, shift: Any) -> Thunk:
    x, w, b = (torch.from_numpy(a) for a in (x, scale, shift))
    return lambda: aten.native_layer_norm(x, [x.shape[-1]], w, b, EPS)


def _layer_norm_backward(x: Any, g: Any, scale: Any, shift: Any) -> Thunk:
    _, mean, inv_std = _layer_norm(x, g, scale, shift)()
    x, g, w, b = (torch.from_numpy(a) for a in (x, g, scale, shift))
    return lambda: aten.native_layer_norm_backward(g, x, [x.shape[-1]], mean, inv_std, w, b, [True] * 3)


def _elementwise(function: Callable[..., Any]) -> Callable[..., Thunk]:
    def twin(*operands: Any) -> Thunk:
        tensors = [torch.from_numpy(x) for x in operands]
        return lambda: function(*tensors)

    return twin


def _cross_entropy(x: Any, labels: Any, g: Any) -> Thunk:
    x, labels = torch.from_numpy(x), torch.from_numpy(labels)
    return lambda: torch.nn.functional.cross_entropy(x, labels, reduction="none")


def _cross_entropy_backward(x: Any, labels: Any, g: Any) -> Thunk:
    log_p, labels, g = torch.from_numpy(x).log_softmax(1), torch.from_numpy(labels), torch.from_numpy(g)
    _, weight = aten.nll_loss_forward(log_p, labels, None, 0, -100)

    def backward() -> Any:
        of_log_p = aten.nll_loss_backward(g, log_p, labels, None, 0, -100, weight)
        return aten._log_softmax_backward_data(of_log_p, log_p, 1, torch.float32)

    return backward


def _embedding_backward(g: Any, indices: Any, rows: int) -> Thunk:
    g, indices = torch.from_numpy(g), torch.from_numpy(indices)
    return lambda: aten.embedding_dense_backward(g, indices, rows, -1, False)


def _max_pool(x: Any, g: Any, window: int, stride: int, pad: int) -> Thunk:
    x = images_first(x)
    return lambda: torch.nn.functional.max_pool2d(x, window, stride, pad, return_indices=True)


def _max_pool_backward(x: Any, g: Any, window: int, stride: int, pad: int) -> Thunk:
    _, places = _max_pool(x, g, window, stride, pad)()
    x, g, how = images_first(x), images_first(g), ([window] * 2, [stride] * 2, [pad] * 2, [1, 1], False)
    return lambda: aten.max_pool2d_with_indices_backward(g, x, *how, places)


def _average_pool(x: Any, g: Any, window: int, stride: int, pad: int) -> Thunk:
    x = images_first(x)
    return lambda: torch.nn.functional.avg_pool2d(x, window, stride, pad)


def _average_pool_backward(x: Any, g: Any, window: int, stride: int, pad: int) -> Thunk:
    x, g, how = images_first(x), images_first(g), ([window] * 2, [stride] * 2, [pad] * 2, False, True, None)
    return lambda: aten.avg_pool2d_backward(g, x, *how)


def _column_sums(g: Any) -> Thunk:
    g = images_first(g)
    axes = [axis for axis in range(g.ndim) if axis != 1]
    return lambda: g.sum(axes)


def _attention(*operands: Any) -> Thunk:
    q, k, v, _ = (torch.from_numpy(x) for x in operands)
    return lambda: aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, True)


def _attention_backward(*operands: Any) -> Thunk:
    y, log_sum = _attention(*operands)()
    q, k, v, g = (torch.from_numpy(x) for x in operands)
    return lambda: aten._scaled_dot_product_flash_attention_for_cpu_backward(g, q, k, v, y, log_sum, 0.0, True)


def _update(kind: str, state: str, **settings: Any) -> Callable[..., Thunk]:
    def twin(values: Any, g: Any) -> Thunk:
        parameter = torch.nn.Parameter(torch.from_numpy(values.copy()))
        parameter.grad = torch.from_numpy(g)
        optimizer = getattr(torch.optim, kind)([parameter], lr=1e-6, fused=True, **settings)

        def step() -> Any:
            optimizer.step()
            return optimizer.state[parameter][state]

        return step

    return twin


TWINS: Mapping[str, Callable[..., Thunk]] = {
    "conv.forward": _convolution(-1),
    "conv.backward_input": _convolution(0),
    "conv.backward_weight": _convolution(1),
    "linear.forward": _linear,
    "linear.backward_input": _linear_input,
    "linear.backward_weight": _linear_weight,
    "linear.backward_bias": _column_sums,
    "attention.forward": _attention,
    "attention.backward": _attention_backward,
    "batch_norm.forward": _batch_norm,
    "batch_norm.backward": _batch_norm_backward,
    "layer_norm.forward": _layer_norm,
    "layer_norm.backward": _layer_norm_backward,
    "activation.relu": _elementwise(lambda x: torch.relu(x)),
    "activation.relu_backward": _elementwise(lambda g, y: aten.threshold_backward(g, y, 0)),
    "activation.gelu": _elementwise(lambda x: aten.gelu(x)),
    "activation.gelu_backward": _elementwise(lambda g, x: aten.gelu_backward(g, x)),
    "activation.sigmoid": _elementwise(lambda x: torch.sigmoid(x)),
    "activation.sigmoid_backward": _elementwise(lambda g, y: aten.sigmoid_backward(g, y)),
    "softmax.cross_entropy": _cross_entropy,
    "softmax.cross_entropy_backward": _cross_entropy_backward,
    "dropout.backward": _elementwise(lambda g, kept: g * kept),
    "dropout, drawn": _elementwise(lambda x: torch.nn.functional.dropout(x, RATE)),
    "embedding.forward": _elementwise(lambda table, indices: torch.nn.functional.embedding(indices, table)),
    "embedding.backward": _embedding_backward,
    "pool.max_forward": _max_pool,
    "pool.max_backward": _max_pool_backward,
    "pool.average_forward": _average_pool,
    "pool.average_backward": _average_pool_backward,
    "optimizer_update.sgd": _update("SGD", "momentum_buffer", momentum=0.9),
    "optimizer_update.adam": _update("Adam", "exp_avg"),
}
