"""Where Autograd keeps ``flatten``."""

from ddtrain.autodiff.operators.flatten import flatten, flatten_func

__all__ = ["flatten", "flatten_func"]
