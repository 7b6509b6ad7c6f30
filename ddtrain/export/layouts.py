"""Convolution and pooling in ONNX: its images have channels first, ours last, so each is turned before and after."""

# N images, H height, W width, C channels, K output channels

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ddtrain.autodiff.inspect.drawing import Node
from ddtrain.export.operators import Emit, File, refused
from ddtrain.export.traced_model import array_of


def _pair(value: Any) -> list[int]:
    return [int(k) for k in value] if isinstance(value, tuple | list) else [int(value)] * 2


def _turned(file: File, x: Any, op: str, more: list[str], **attributes: Any) -> str:
    first = file.add("Transpose", [file.name(x)], perm=[0, 3, 1, 2])
    return file.add("Transpose", [file.add(op, [first, *more], **attributes)], perm=[0, 2, 3, 1])


def _conv2d(file: File, step: Node, given: Mapping[str, Any]) -> str:
    w, bias = given["w"], given["b"]
    if not isinstance(w, Node):
        raise refused(step, "the kernel is no array")
    kernel = np.ascontiguousarray(array_of(w).transpose(3, 2, 0, 1))  # (K, C / groups, kh, kw)
    size, dilation = kernel.shape[2:], _pair(given["dilation"])
    if given["padding"] == "same":
        around = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
        pads = [*(p // 2 for p in around), *(p - p // 2 for p in around)]
    else:
        pads = _pair(given["padding"]) * 2
    more = [file.made_of(w, kernel), *([file.name(bias)] if bias is not None else [])]
    how = {"strides": _pair(given["stride"]), "dilations": dilation, "group": int(given["groups"])}
    return _turned(file, given["x"], "Conv", more, kernel_shape=list(size), pads=pads, **how)


def _pooled(op: str, **attributes: int) -> Emit:
    def emit(file: File, step: Node, given: Mapping[str, Any]) -> str:
        size = _pair(given["size"])
        strides = size if given["stride"] is None else _pair(given["stride"])
        pads = _pair(given["padding"]) * 2
        return _turned(file, given["x"], op, [], kernel_shape=size, strides=strides, pads=pads, **attributes)

    return emit


WINDOWS: dict[str, Emit] = {
    "conv2d": _conv2d,
    "max_pool2d": _pooled("MaxPool"),
    "avg_pool2d": _pooled("AveragePool", count_include_pad=1),  # padding counts as zeros
}
