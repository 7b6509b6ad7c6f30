"""Where Autograd keeps ``fixed_point``."""

from ddtrain.autodiff import fixed_point

__all__ = ["fixed_point"]
