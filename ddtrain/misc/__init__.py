"""Autograd's ``misc``: flatten, fixed points, constant graphs, and three optimizers for notebooks."""

from ddtrain.autodiff import const_graph
from ddtrain.misc.flatten import flatten

__all__ = ["const_graph", "flatten"]
