"""Where Autograd keeps ``ArrayBox``, by which programs tell traced arrays from plain ones."""

from ddtrain.autodiff import Box
from ddtrain.numpy._box import ArrayBox

__all__ = ["ArrayBox", "Box"]
