"""Autograd's ``misc``: flatten, fixed points, constant graphs, and three optimizers for notebooks."""

from ddtrain.autograd.misc.flatten import flatten
from ddtrain.autograd.misc.tracers import const_graph

__all__ = ["const_graph", "flatten"]
