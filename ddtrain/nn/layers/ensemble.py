"""Several models that answer as one: the mean of what they say, or of their probabilities."""

# M members, N samples, K classes

from __future__ import annotations

import functools
import math
from typing import Any, Literal

import ddtrain.numpy as np
from ddtrain import ops
from ddtrain.errors import ShapeError, UsageError
from ddtrain.nn.layers.containers import _ByPosition
from ddtrain.nn.module import Module

Combine = Literal["outputs", "probabilities"]


class Ensemble(_ByPosition):
    """Models named by position, ``0.weight`` ..., whose answers to the same arguments become one: their mean.

    Parameters
    ----------
    models : one alone answers as it does by itself; a module given twice is one model (Note [Ties])
    combine : "outputs": the mean of the outputs; "probabilities": outputs are logits (..., K), and the answer is the
        logarithm of the mean of their softmax, (..., K)

    Raises
    ------
    UsageError : no models, or there is no such way to combine
    ShapeError : when called: answers of different shapes, or that are no arrays

    Notes
    -----
    Cross-entropy of the mean probabilities is at most the mean of the members' (Jensen), and squared error of the mean
    output likewise.

    References
    ----------
    Lakshminarayanan, Pritzel, Blundell (2017), "Simple and scalable predictive uncertainty estimation using deep
    ensembles", arXiv:1612.01474.

    >>> from ddtrain.nn import Identity
    >>> logits = np.log(np.array([[0.5, 0.5]]))
    >>> np.exp(Ensemble(Identity(), Identity(), combine="probabilities").bind({})(logits)).round(6)
    array([[0.5, 0.5]])
    """

    def __init__(self, *models: Module, combine: Combine = "outputs") -> None:
        if not models:
            raise UsageError("Ensemble: no models", remedy="Give at least one.")
        if combine not in ("outputs", "probabilities"):
            raise UsageError(f"Ensemble: combine is {combine!r}", remedy='Give "outputs" or "probabilities".')
        super().__init__(*models)
        self.combine = combine

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        answers = [model(*args, **kwargs) for _, model in self.children()]
        if len(answers) == 1:
            return answers[0]
        shapes = [getattr(answer, "shape", None) for answer in answers]
        if None in shapes or len(set(shapes)) > 1:
            said = ", ".join(type(x).__name__ if shape is None else str(shape) for x, shape in zip(answers, shapes))
            raise ShapeError(
                f"Ensemble: the members' answers are {said}, which have no mean",
                remedy="Give models that answer with arrays of one shape.",
            )
        if self.combine == "outputs":
            return sum(answers[1:], start=answers[0]) / len(answers)
        each = [ops.log_softmax(answer) for answer in answers]
        return functools.reduce(np.logaddexp, each) - math.log(len(each))  # exact where probabilities underflow
