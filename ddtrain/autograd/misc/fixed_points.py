"""Where Autograd keeps ``fixed_point``."""

from ddtrain.autodiff import fixed_point
from ddtrain.autograd._absent import absent

__all__ = ["fixed_point"]

__getattr__ = absent(__name__, {"fixed_point_vjp": "fixed_point has its own rules, in both modes"})
