"""ddtrain: distributed data-parallel training on NumPy and MPI, with its own automatic differentiation.

``python -m ddtrain.train`` trains; ``ddtrain.grad`` and ``ddtrain.numpy`` differentiate; ``ddtrain.main`` trains a
model of your own. See README.md.
"""

from typing import TYPE_CHECKING

from ddtrain import _threads  # isort: skip  # before NumPy is imported, see Note [BLAS threads]
import ddtrain.numpy  # gives boxes their array behaviour
from ddtrain.autodiff import (
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hvp,
    jacobian,
    jvp,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
    vjp,
)
from ddtrain.autodiff.check import check_grads

if TYPE_CHECKING:  # what __getattr__ below loads on first use
    from ddtrain.data import ArrayData
    from ddtrain.trainer.config import Config
    from ddtrain.trainer.main import main
    from ddtrain.trainer.task import Task

__version__ = "0.1.0"
__all__ = [
    "ArrayData",
    "Config",
    "Task",
    "check_grads",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "main",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "value_and_grad",
    "vjp",
]

_TRAINING = {  # loaded on first use: differentiating needs neither a command line nor a console
    "ArrayData": "ddtrain.data",
    "Config": "ddtrain.trainer.config",
    "Task": "ddtrain.trainer.task",
    "main": "ddtrain.trainer.main",
}


def __getattr__(name: str) -> object:
    if name in _TRAINING:
        import importlib

        return getattr(importlib.import_module(_TRAINING[name]), name)
    raise AttributeError(f"module 'ddtrain' has no attribute {name!r}")
