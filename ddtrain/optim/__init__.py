"""Optimizers over flat vectors, and learning-rate schedules.

Read ``protocol`` (what an optimizer is) and ``penalties`` (L2 and L1), then ``sgd``. ``adaptive/`` has Adam and its
kin; the others are ``lion``, ``lars lamb`` that scale layer by layer, and ``nesterov rmsprop_nesterov sam`` that take
gradients at another point (``probing``): each a module with its options and its formula. ``batch_methods/`` ask more
of a batch than a gradient: line searches, L-BFGS, Newton, Gauss-Newton. ``groups`` are rules for some of the
parameters; ``flat_optimizer`` and ``layerwise`` run a formula over all of them. ``schedules/`` are learning rates over
the steps, ``averages/`` averages of the weights.

To add one, write ``optim/<name>.py`` and import it here; a script of your own needs ``ddtrain.parts.register`` alone.
The configuration, the tests over all members and the checkpoints follow the table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.errors import UsageError
from ddtrain.optim import averages, schedules
from ddtrain.optim.adaptive.adadelta import AdaDelta
from ddtrain.optim.adaptive.adagrad import AdaGrad
from ddtrain.optim.adaptive.adam import Adam, AdamW
from ddtrain.optim.adaptive.adamax import AdaMax
from ddtrain.optim.adaptive.amsgrad import AmsGrad
from ddtrain.optim.adaptive.nadam import NAdam
from ddtrain.optim.adaptive.radam import RAdam
from ddtrain.optim.adaptive.rmsprop import RmsProp
from ddtrain.optim.averages import Average, WeightAverage
from ddtrain.optim.averages.averaging_optimizer import AveragingOptimizer
from ddtrain.optim.batch_methods.gauss_newton import GaussNewton
from ddtrain.optim.batch_methods.hessian_free import HessianFree
from ddtrain.optim.batch_methods.lbfgs import Bfgs, Lbfgs
from ddtrain.optim.batch_methods.levenberg_marquardt import LevenbergMarquardt
from ddtrain.optim.batch_methods.newton import Newton
from ddtrain.optim.batch_methods.nonlinear_cg import LineSearch, NonlinearCg
from ddtrain.optim.batch_methods.protocol import BatchMethod, BatchOptimizer, CurvatureMethod
from ddtrain.optim.flat_optimizer import FlatOptimizer
from ddtrain.optim.groups import Segment
from ddtrain.optim.lamb import Lamb
from ddtrain.optim.lars import Lars
from ddtrain.optim.layerwise import LayerNorms, LayerwiseOptim, LayerwiseOptimizer
from ddtrain.optim.lion import Lion
from ddtrain.optim.nesterov import Nesterov
from ddtrain.optim.probing import Prober, ProbingOptim
from ddtrain.optim.protocol import Alloc, Optim, Optimizer
from ddtrain.optim.rmsprop_nesterov import RmsPropNesterov
from ddtrain.optim.sam import Sam
from ddtrain.optim.sgd import Sgd

OPTIMIZERS = Optim.parts  # all optimizers by name; ``register`` adds one


def make(
    formula: Optim,
    n: int,
    dtype: DTypeLike,
    alloc: Alloc = np.zeros,
    pieces: Sequence[Segment] = (),
    norms: LayerNorms | None = None,
    average: Average | None = None,
) -> Optimizer:
    """An optimizer at work: the one that the section ``optim`` holds, with its vectors.

    Parameters
    ----------
    formula : the section
    n : length of the value vector
    dtype : float32 or float64
    alloc : where the optimizer's vectors come from
    pieces : runs of the vector with options of their own, from :func:`ddtrain.optim.groups.segments`
    norms : sums over whole parameters, for a layer-wise optimizer; the vector is one parameter unless given
    average : kept beside the values, with its times in updates; none unless given

    >>> sgd = make(Optim(name="sgd", momentum=0.9), 2, np.float64)
    >>> x, g = np.array([1.0, 2.0]), np.array([0.5, -0.5])
    >>> for _ in range(2):
    ...     sgd.apply(x, g, lr=0.1)
    >>> x  # 1 - 0.05 - 0.095
    array([0.855, 2.145])
    """
    if isinstance(formula, BatchMethod):
        if any(piece.group.formula != formula or piece.group.lr_factor != 1 for piece in pieces):
            raise UsageError(
                f"--optim.name {formula.name} takes one step for all parameters, which groups cannot change",
                remedy="Let --optim.groups, and Task(groups=...), freeze some, and no more.",
            )
        if isinstance(average, WeightAverage):
            raise UsageError(
                f"--average.name {average.name} with --optim.name {formula.name}, whose steps are not to be averaged",
                remedy="Leave out one of them.",
            )
        return BatchOptimizer(formula, n, dtype)
    if isinstance(formula, LayerwiseOptim):
        optimizer: FlatOptimizer | LayerwiseOptimizer = LayerwiseOptimizer(formula, n, dtype, alloc, pieces, norms)
    else:
        optimizer = FlatOptimizer(formula, n, dtype, alloc, pieces)
    if isinstance(average, WeightAverage):
        return AveragingOptimizer(optimizer, average, n, dtype, alloc)
    return optimizer


__all__ = [
    "OPTIMIZERS", "AdaDelta", "AdaGrad", "AdaMax", "Adam", "AdamW", "Alloc", "AmsGrad", "Average", "BatchMethod",
    "BatchOptimizer", "Bfgs", "CurvatureMethod", "FlatOptimizer", "GaussNewton", "HessianFree", "Lamb", "Lars",
    "LayerNorms", "LayerwiseOptim", "Lbfgs", "LevenbergMarquardt", "LineSearch", "Lion", "NAdam", "Nesterov", "Newton",
    "NonlinearCg", "Optim", "Optimizer", "Prober", "ProbingOptim", "RAdam", "RmsProp", "RmsPropNesterov", "Sam", "Sgd",
    "WeightAverage", "averages", "make", "schedules",
]  # fmt: skip
