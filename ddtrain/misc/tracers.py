"""Where Autograd keeps ``const_graph``."""

from ddtrain.autodiff import const_graph

__all__ = ["const_graph"]
