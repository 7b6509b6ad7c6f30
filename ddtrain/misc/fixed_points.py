"""Where Autograd keeps ``fixed_point``."""

from ddtrain._absent import absent
from ddtrain.autodiff import fixed_point

__all__ = ["fixed_point"]

__getattr__ = absent(__name__, {"fixed_point_vjp": "fixed_point has its own rules, in both modes"})
