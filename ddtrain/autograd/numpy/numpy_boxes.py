"""Where Autograd keeps ``ArrayBox``, by which programs tell traced arrays from plain ones."""

from ddtrain.autodiff import Box
from ddtrain.numpy.dispatch.array_box import ArrayBox

__all__ = ["ArrayBox", "Box"]
