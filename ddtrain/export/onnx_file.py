"""A model as an ONNX file: its steps as nodes, its parameters as initializers, for any number of samples."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ddtrain.autodiff.inspect.drawing import Node
from ddtrain.errors import UsageError
from ddtrain.export.layouts import WINDOWS
from ddtrain.export.operators import OPERATORS, refused
from ddtrain.export.recurrent import RECURRENT
from ddtrain.export.traced_model import TracedModel, array_of
from ddtrain.nn import Module

ALL = {**OPERATORS, **WINDOWS, **RECURRENT}
OPSET = 17  # the first with LayerNormalization


def to_onnx(model: Module, values: Mapping[str, Any], first: Sequence[Any], second: Sequence[Any]) -> bytes:
    """The bytes of an .onnx file of a model in evaluation.

    Parameters
    ----------
    model : unbound
    values : of its parameters and buffers, by path
    first, second : its arguments, arrays of different numbers of samples, by which it is traced; only their shapes and
        dtypes matter. Floating ones have the dtype of the model

    Returns
    -------
    A file whose inputs are ``input_0`` ..., of any number of samples, and whose outputs are ``output_0`` ...; images
    are (N, H, W, C), as here

    Raises
    ------
    UsageError : ONNX has nothing for an operation, which is named; or something depends on the samples that is no step;
        or the package ``onnx`` is not installed
    """
    return _File(TracedModel(model, values, first, second)).written(type(model).__name__)


class _File:
    """An ONNX file while it is written; what operators see of it is :class:`ddtrain.export.operators.File`."""

    def __init__(self, traced: TracedModel) -> None:
        try:
            import onnx
        except ImportError:
            raise UsageError("export: onnx is not installed", remedy="pip install 'ddtrain[onnx]'") from None
        self._onnx, self._traced = onnx, traced
        self._nodes: list[Any] = []
        self._at: Node | None = None  # the step that is being written
        self._constants: dict[str, Any] = {}
        self._names = {id(node): f"input_{k}" for k, node in enumerate(traced.inputs)}

    def name(self, operand: Any, like: Node | None = None) -> str:
        if isinstance(operand, Node):
            if id(operand) not in self._names:
                self._names[id(operand)] = self.made_of(operand, array_of(operand))
            return self._names[id(operand)]
        if like is not None and not isinstance(operand, np.ndarray):
            operand = np.asarray(operand, array_of(like).dtype)
        return self._constant(f"constant_{len(self._constants)}", np.asarray(operand))

    def made_of(self, node: Node, x: Any) -> str:
        fresh = f"constant_{len(self._constants)}"
        if id(node) in self._traced.varying or not self._traced.is_fixed(node):
            raise refused(self._at or node, f"{node.name} differs from batch to batch, but no traced function made it")
        return self._constant(self._traced.names.get(id(node), fresh), x)

    def add(self, op: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{op}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(op, inputs, [name], name, **attributes))
        return name

    def shape(self, node: Node) -> tuple[int, ...]:
        return self._traced.shape(node)

    def is_zero(self, node: Node) -> bool:
        return id(node) not in self._traced.varying and self._traced.is_zero(node)

    def _constant(self, name: str, x: Any) -> str:
        self._constants[name] = self._onnx.numpy_helper.from_array(np.ascontiguousarray(x).reshape(np.shape(x)), name)
        return name

    def written(self, title: str) -> bytes:
        """The bytes of the file, once all steps are in it."""
        for step in self._traced.steps:
            self._names[id(step)] = self._step(step)
        results = [self._named(k, node) for k, node in enumerate(self._traced.outputs)]
        inputs = [self._described(f"input_{k}", node) for k, node in enumerate(self._traced.inputs)]
        helper = self._onnx.helper
        drawn = helper.make_graph(self._nodes, title, inputs, results, list(self._constants.values()))
        opset = helper.make_opsetid("", OPSET)
        # the oldest version of the format that has these operators, so that older programs read it
        whole = helper.make_model(drawn, opset_imports=[opset], ir_version=8, producer_name="ddtrain")
        self._onnx.checker.check_model(whole, full_check=True)
        found: bytes = whole.SerializeToString()
        return found

    def _step(self, step: Node) -> str:
        prim = step.prim
        assert prim is not None, "a step has a primitive"
        self._at = step
        if prim.__name__ not in ALL:
            raise refused(step, f"ONNX has nothing for {prim.__name__} that ddtrain knows of")
        return ALL[prim.__name__](self, step, _arguments(step))

    def _named(self, k: int, node: Node) -> Any:
        inner = self.name(node)
        self._nodes.append(self._onnx.helper.make_node("Identity", [inner], [f"output_{k}"]))
        return self._described(f"output_{k}", node)

    def _described(self, name: str, node: Node) -> Any:
        helper = self._onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(array_of(node).dtype)
        return helper.make_tensor_value_info(name, kind, ["N" if n == -1 else n for n in self.shape(node)])


def _arguments(step: Node) -> dict[str, Any]:
    """A step's arguments by name, with the defaults of those that were not given."""
    prim = step.prim
    assert prim is not None, "a step has a primitive"
    bound = inspect.signature(prim.compose or prim.raw).bind(*step.operands, **step.kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)
