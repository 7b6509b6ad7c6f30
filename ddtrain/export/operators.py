"""How each step of a model is said in ONNX: a table from the names of primitives to functions that write nodes.

A function is given the file that is being written, a step, and the step's arguments by name; it returns the name of the
result. Nodes among the arguments are named by ``file.name``.
"""

# N samples, T places, D features, K outputs

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from ddtrain.autodiff.inspect.drawing import Node
from ddtrain.errors import UsageError
from ddtrain.export.traced_model import array_of


class File(Protocol):
    """What operators need of the file that is being written."""

    def name(self, operand: Any, like: Node | None = None) -> str:
        """The name of a node or a constant; a number takes the type of ``like``."""
        ...

    def made_of(self, node: Node, x: Any) -> str:
        """The name of a constant made of a node, such as a kernel in another layout; refuses one that may vary."""
        ...

    def add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        """Write a node, and return the name of its result."""
        ...

    def is_zero(self, node: Node) -> bool:
        """Whether a node is a constant of nothing but zeros, possibly one for each sample."""
        ...

    def shape(self, node: Node) -> tuple[int, ...]:
        """Its shape, with -1 for the axis that grows with the number of samples."""
        ...


Emit = Callable[[File, Node, Mapping[str, Any]], str]


def refused(step: Node, why: str) -> UsageError:
    """The error for a step that cannot be said in ONNX."""
    return UsageError(
        f"export: {step.call}: {why}", remedy="Export to safetensors or npz, or write the model without it."
    )


def _same(op: str, **attributes: str) -> Emit:
    """An operator of one array, whose attributes are arguments of ours."""

    def emit(file: File, step: Node, given: Mapping[str, Any]) -> str:
        x = next(iter(given.values()))
        return file.add(op, [file.name(x)], **{theirs: float(given[ours]) for theirs, ours in attributes.items()})

    return emit


def _binary(op: str) -> Emit:
    def emit(file: File, step: Node, given: Mapping[str, Any]) -> str:
        return file.add(op, [file.name(given[x], like=step) for x in ("x1", "x2")])

    return emit


def _linear(file: File, step: Node, given: Mapping[str, Any]) -> str:
    x, w, b = given["x"], file.name(given["w"]), given["b"]
    if len(file.shape(x)) == 2:
        return file.add("Gemm", [file.name(x), w, *([file.name(b)] if b is not None else [])])
    product = file.add("MatMul", [file.name(x), w])
    return product if b is None else file.add("Add", [product, file.name(b)])


def _over_axis(op: str) -> Emit:
    return lambda file, step, given: file.add(op, [file.name(given["x"])], axis=int(given["axis"]))


def _reduced(op: str) -> Emit:
    def emit(file: File, step: Node, given: Mapping[str, Any]) -> str:
        rank, axis = len(file.shape(given["x"])), given["axis"]
        axes = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
        found = [int(a) % rank for a in axes]
        keep = int(bool(given["keepdims"]))
        if op == "ReduceSum":  # the others have their axes as an attribute in this version of the operators
            return file.add(op, [file.name(given["x"]), file.name(np.array(found, np.int64))], keepdims=keep)
        return file.add(op, [file.name(given["x"])], axes=found, keepdims=keep)

    return emit


def _reshape(file: File, step: Node, given: Mapping[str, Any]) -> str:
    x = next(iter(given.values()))
    return file.add("Reshape", [file.name(x), file.name(np.array(file.shape(step), np.int64))])


def _transpose(file: File, step: Node, given: Mapping[str, Any]) -> str:
    rank = len(file.shape(given["a"]))
    axes = range(rank)[::-1] if given["axes"] is None else [int(a) % rank for a in given["axes"]]
    return file.add("Transpose", [file.name(given["a"])], perm=list(axes))


def _concatenate(file: File, step: Node, given: Mapping[str, Any]) -> str:
    return file.add("Concat", [file.name(part, like=step) for part in given["parts"]], axis=int(given["axis"]))


def _embedding(file: File, step: Node, given: Mapping[str, Any]) -> str:
    return file.add("Gather", [file.name(given["table"]), file.name(given["indices"])], axis=0)


def _getitem(file: File, step: Node, given: Mapping[str, Any]) -> str:
    """Slices, whole numbers, new axes and an ellipsis, axis by axis."""
    x, index = given["x"], given["index"]
    index = index if isinstance(index, tuple) else (index,)
    rank, name = len(file.shape(x)), file.name(x)
    if any(isinstance(part, Node | np.ndarray | list) for part in index):
        raise refused(step, "ONNX has no such index of arrays")
    whole = rank - sum(part is not None and part is not Ellipsis for part in index)
    if Ellipsis in index:
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * whole, *index[at + 1 :])
    axis, squeezed, cuts = 0, [], []
    for part in index:
        if part is None:
            continue
        if isinstance(part, slice):
            cuts += [(axis, part)] if part != slice(None) else []
        else:
            stop = int(part) + 1
            cuts.append((axis, slice(int(part), stop if stop else None)))
            squeezed.append(axis)
        axis += 1
    for axis, cut in cuts:
        step_by = 1 if cut.step is None else int(cut.step)
        far = np.iinfo(np.int64).max
        start = (0 if step_by > 0 else far) if cut.start is None else int(cut.start)
        stop = (far if step_by > 0 else -far) if cut.stop is None else int(cut.stop)
        name = file.add("Slice", [name, *(file.name(np.array([k], np.int64)) for k in (start, stop, axis, step_by))])
    if squeezed:
        name = file.add("Squeeze", [name, file.name(np.array(squeezed, np.int64))])
    kept = [part for part in index if part is None or isinstance(part, slice)]
    new = [k for k, part in enumerate(kept) if part is None]
    return file.add("Unsqueeze", [name, file.name(np.array(new, np.int64))]) if new else name


def _layer_norm(file: File, step: Node, given: Mapping[str, Any]) -> str:
    arrays = [file.name(given[k]) for k in ("x", "scale", "shift") if given[k] is not None]
    return file.add("LayerNormalization", arrays, axis=-1, epsilon=float(given["eps"]))


def _gelu(file: File, step: Node, given: Mapping[str, Any]) -> str:
    x = file.name(given["x"])

    def number(value: float) -> str:
        return file.name(value, like=step)

    if given["approximate"] == "none":  # x * Phi(x)
        inner = file.add("Erf", [file.add("Mul", [x, number(math.sqrt(0.5))])])
    else:
        cube = file.add("Mul", [file.add("Mul", [x, x]), x])
        sum_of = file.add("Add", [x, file.add("Mul", [cube, number(0.044715)])])
        inner = file.add("Tanh", [file.add("Mul", [sum_of, number(math.sqrt(2 / math.pi))])])
    return file.add("Mul", [file.add("Mul", [x, number(0.5)]), file.add("Add", [inner, number(1.0)])])


def _silu(file: File, step: Node, given: Mapping[str, Any]) -> str:
    x = file.name(given["x"])
    return file.add("Mul", [x, file.add("Sigmoid", [x])])


def _attention(file: File, step: Node, given: Mapping[str, Any]) -> str:
    """softmax(q k' / sqrt(D)) v, over the places that may be seen."""
    q, k, v = (given[name] for name in "qkv")
    parts, shape = (file.name(q), file.name(k), file.name(v)), (*file.shape(q), file.shape(k)[-2])
    return _attend(file, step, parts, shape, given["causal"], given["mask"])


def _self_attention(file: File, step: Node, given: Mapping[str, Any]) -> str:
    """The same of (N, T, 3 * heads * D), cut into heads and put together again."""
    qkv, heads = given["qkv"], int(given["heads"])
    n, places, width = file.shape(qkv)
    shape = np.array([n, places, 3, heads, width // (3 * heads)], np.int64)
    cut = file.add("Transpose", [file.add("Reshape", [file.name(qkv), file.name(shape)])], perm=[2, 0, 3, 1, 4])
    parts = tuple(file.add("Gather", [cut, file.name(np.array(i, np.int64))], axis=0) for i in range(3))
    mixed = _attend(file, step, parts, (n, heads, places, int(shape[-1]), places), given["causal"], None)
    turned = file.add("Transpose", [mixed], perm=[0, 2, 1, 3])
    return file.add("Reshape", [turned, file.name(np.array([n, places, width // 3], np.int64))])


def _attend(file: File, step: Node, qkv: tuple[str, ...], shape: tuple[int, ...], causal: bool, mask: Any) -> str:
    """Attention of q, k and v by name, where ``shape`` is that of q and the number of keys."""
    q, k, v = qkv
    *leading, places, width, keys = shape
    rank = len(leading) + 2
    turned = file.add("Transpose", [k], perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = file.add("Mul", [file.add("MatMul", [q, turned]), file.name(1 / math.sqrt(width), like=step)])
    if causal:
        seen = np.tril(np.ones((places, keys), bool), keys - places)
        hidden = np.where(seen, 0, _lowest(step)).astype(array_of(step).dtype)
        scores = file.add("Add", [scores, file.name(hidden)])
    if mask is not None:
        if not isinstance(mask, Node) or array_of(mask).dtype != bool:
            raise refused(step, "a mask that is not of booleans")
        hidden = np.where(array_of(mask), 0, _lowest(step)).astype(array_of(step).dtype)
        scores = file.add("Add", [scores, file.made_of(mask, hidden)])
    return file.add("MatMul", [file.add("Softmax", [scores], axis=-1), v])


def _lowest(step: Node) -> float:
    """What makes a weight 0: added to a score it leaves no number that counts, but no infinity either."""
    return float(np.finfo(array_of(step).dtype).min)


OPERATORS: dict[str, Emit] = {
    **{name: _binary(op) for name, op in (("add", "Add"), ("subtract", "Sub"), ("multiply", "Mul"), ("divide", "Div"))},
    **{name: _binary(op) for name, op in (("power", "Pow"), ("maximum", "Max"), ("minimum", "Min"))},
    "matmul": _binary("MatMul"),
    **{name: _same(name.capitalize()) for name in ("exp", "log", "sqrt", "tanh", "sin", "cos", "relu", "sigmoid")},
    "negative": _same("Neg"),
    "absolute": _same("Abs"),
    "selu": _same("Selu"),
    "elu": _same("Elu", alpha="alpha"),
    "leaky_relu": _same("LeakyRelu", alpha="slope"),
    "silu": _silu,
    "gelu": _gelu,
    "softmax": _over_axis("Softmax"),
    "log_softmax": _over_axis("LogSoftmax"),
    "sum": _reduced("ReduceSum"),
    "mean": _reduced("ReduceMean"),
    "max": _reduced("ReduceMax"),
    "reshape": _reshape,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "linear": _linear,
    "embedding": _embedding,
    "getitem": _getitem,
    "layer_norm": _layer_norm,
    "attention": _attention,
    "self_attention": _self_attention,
}
