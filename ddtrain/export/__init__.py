"""A trained model for other programs: tensors by PyTorch's names and layouts, or the whole model as ONNX.

Read ``tensors`` (the plain one), then ``traced_model`` (the steps that a model takes, from inputs to outputs),
``onnx_file`` (a file of them) and ``operators``, with ``layouts`` of images and ``recurrent``: how each step is said in
ONNX.
"""

from ddtrain.export.onnx_file import to_onnx
from ddtrain.export.tensors import write_npz, write_safetensors

__all__ = ["to_onnx", "write_npz", "write_safetensors"]
