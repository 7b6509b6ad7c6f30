"""Which answers are right: a metric, without a derivative."""

# N samples (or any leading axes), K classes

from __future__ import annotations

import numpy as onp

from ddtrain.autodiff import Array, nondifferentiable
from ddtrain.autodiff.core.examples import case
from ddtrain.ops.losses.common import check_labels, check_soft, is_soft


def _correct(scores: Array, targets: Array) -> Array:
    """1 where the label's score is the largest (the first, among equals), else 0; in the scores' dtype.

    Parameters
    ----------
    scores : (N, K); further leading axes are allowed
    targets : labels (N,), integer classes in [0, K); or soft targets (N, K), of which the largest counts

    Raises
    ------
    ShapeError : a label outside [0, K), or targets of another shape

    >>> import numpy as np
    >>> correct(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    array([1., 0.])
    """
    if is_soft(scores, targets):
        check_soft("correct", scores, targets)
        targets = onp.argmax(targets, axis=-1) if targets.shape[-1] else onp.zeros(targets.shape[:-1], int)
    else:
        check_labels("correct", scores, targets)
    return (onp.argmax(scores, axis=-1) == targets).astype(scores.dtype)


correct = nondifferentiable(_correct, name="correct", examples=lambda r: [case(r(4, 3), r.integers(3, 4))])
