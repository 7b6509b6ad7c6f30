"""ddtrain: distributed data-parallel training on NumPy and MPI, with its own automatic differentiation.

``python -m ddtrain.train`` trains; ``ddtrain.grad`` and ``ddtrain.numpy`` differentiate; ``ddtrain.main`` trains a
model of your own. See README.md, and docs/ for the manual.

The floor plan, from the ground up: a package imports only what stands above it in this list.

- ``errors``, ``rng`` (random numbers by key), ``tree`` (nested lists and dicts), ``partition`` (who has which part),
  ``parts`` (optimizers and the like, by name), ``suggestions`` (the nearest name), ``standard_output``, ``json_text``,
  ``user_lines`` (the user's line, for messages), ``blas``, ``current_layer``, ``colors`` and ``png`` (of pictures);
  ``kernels/``, arrays in and arrays out; ``metrics/``, figures of all samples
- ``autodiff/``, the engine; ``comm/``, ranks and their collectives
- ``numpy/``, differentiable NumPy; ``plan/``, what a function did, to be repeated without its Python; ``param_store``,
  parameters and gradients as flat vectors; ``data/``
- ``scipy/``; ``ops/``, fused operations; ``optim/``, with learning-rate schedules; ``parallel/``, buckets and the
  reducer
- ``nn/``, modules and layers; ``models/``; ``export/``, files for other programs; ``diagnose/``, where a gradient or
  a NaN went wrong
- ``trainer/``: ``loop``, and the rooms ``step/ config/ checkpoint/ records/ modes/``
- ``recipes/``, ``bench/``; ``runs/``, a call that trains and runs that can be opened; ``report/``, an HTML file on
  them; ``meta/``, trainings that are differentiated themselves; ``commands/``, the verbs of the command line, such as
  ``train`` and ``eval``

``autograd/`` has HIPS Autograd's names. ``former_modules`` and ``verify`` keep former names for one release.
"""

import importlib
from typing import TYPE_CHECKING

from ddtrain import blas_threads  # isort: skip  # before NumPy is imported, see Note [BLAS threads]
from ddtrain.comm.startup.environment import launcher as _launcher  # isort: skip

if _launcher().variable:
    from ddtrain.trainer import stop_signals as _stop_signals

    _stop_signals.exit_before_listening()

import ddtrain.numpy  # gives boxes their array behaviour
from ddtrain import former_modules
from ddtrain.autodiff import (
    defjvp,
    defvjp,
    deriv,
    elementwise_grad,
    fixed_point,
    flatten,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_tensor_product,
    hessian_vector_product,
    holomorphic_grad,
    hvp,
    jacobian,
    jvp,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    primitive,
    tensor_jacobian_product,
    value_and_grad,
    vector_jacobian_product,
    vjp,
)
from ddtrain.autodiff.inspect.graph import graph
from ddtrain.autodiff.operators.check_grads import check_grads

former_modules.install()

if TYPE_CHECKING:  # what __getattr__ below loads on first use
    from ddtrain.callbacks import Callback
    from ddtrain.commands.script import main
    from ddtrain.data import ArrayData
    from ddtrain.diagnose.layer_table import Summary, summary
    from ddtrain.plan import compile as compile
    from ddtrain.plan import const_graph
    from ddtrain.runs import History, Run, evaluate, fit, predict
    from ddtrain.trainer.config.config import Config
    from ddtrain.trainer.dp_derivatives import dp_hvp, dp_jvp, dp_value_and_grad, model_loss
    from ddtrain.trainer.task import Task

__version__ = "0.1.0"
__all__ = [
    "ArrayData",
    "Callback",
    "Config",
    "History",
    "Run",
    "Summary",
    "Task",
    "check_grads",
    "const_graph",
    "defjvp",
    "defvjp",
    "deriv",
    "dp_hvp",
    "dp_jvp",
    "dp_value_and_grad",
    "elementwise_grad",
    "evaluate",
    "fit",
    "fixed_point",
    "flatten",
    "grad",
    "grad_and_aux",
    "grad_named",
    "graph",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "hvp",
    "jacobian",
    "jvp",
    "main",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "model_loss",
    "multigrad_dict",
    "predict",
    "primitive",
    "summary",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
    "vjp",
]

_TRAINING = {  # loaded on first use: differentiating needs neither a command line nor a console
    "ArrayData": "ddtrain.data",
    "Config": "ddtrain.trainer.config.config",
    "Task": "ddtrain.trainer.task",
    **dict.fromkeys(("dp_hvp", "dp_jvp", "dp_value_and_grad", "model_loss"), "ddtrain.trainer.dp_derivatives"),
    **dict.fromkeys(("History", "Run", "evaluate", "fit", "predict"), "ddtrain.runs"),
    "Callback": "ddtrain.callbacks",
    "compile": "ddtrain.plan",  # not in __all__, as it would shadow the builtin function
    "const_graph": "ddtrain.plan",
    **dict.fromkeys(("Summary", "summary"), "ddtrain.diagnose.layer_table"),
    "main": "ddtrain.commands.script",
}


def __getattr__(name: str) -> object:
    if name in _TRAINING:
        return getattr(importlib.import_module(_TRAINING[name]), name)
    return former_modules.former_name(name)
