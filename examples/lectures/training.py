"""How studies train: ``descend`` on a vector, for what can be worked out by hand; and for networks ``fitted``, which is
``ddtrain.fit`` in silence.
"""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import ddtrain
from ddtrain import optim, value_and_grad
from ddtrain.errors import NonFiniteError

_runs = ExitStack()  # has their directories, until the process ends
atexit.register(_runs.close)


def descend(
    loss: Callable[[Any], Any], start: ArrayLike, formula: optim.Optim, steps: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Minimize a function of a vector, in float64.

    Parameters
    ----------
    loss : one number of a vector, in ``ddtrain.numpy``
    start : (D,)
    formula : the optimizer, with its learning rate
    steps : updates

    Returns
    -------
    points : (steps + 1, D), the start included
    losses : (steps + 1,), at these points; where they are no longer finite, the rest is infinite

    >>> points, losses = descend(lambda x: 0.5 * (x @ x), [4.0], optim.Sgd(lr=0.5, momentum=0.0), 3)
    >>> points.ravel().tolist(), losses.tolist()
    ([4.0, 2.0, 1.0, 0.5], [8.0, 2.0, 0.5, 0.125])
    """
    x = np.array(start, dtype=np.float64)
    optimizer, value_and_gradient = optim.make(formula, len(x), x.dtype), value_and_grad(loss)
    points, losses = np.full((steps + 1, len(x)), np.nan), np.full(steps + 1, np.inf)
    with np.errstate(over="ignore", invalid="ignore"):  # what diverges is told by its losses
        for step in range(steps + 1):
            value, gradient = value_and_gradient(x)
            if not np.isfinite(value) or not np.isfinite(gradient).all():
                break
            points[step], losses[step] = x, value
            optimizer.apply(x, gradient, lr=formula.lr)
    return points, losses


def so_many(steps: int, batch_size: int = 64) -> dict[str, Any]:
    """Options of :func:`fitted`: so many steps, whatever the number of samples, and no evaluation between them.

    >>> so_many(100)["steps"], so_many(100)["eval"]
    (100, {'every': 0})
    """
    return {"steps": steps, "epochs": steps, "batch_size": batch_size, "eval": {"every": 0}}


def fitted(task: Any, **options: Any) -> ddtrain.Run | None:
    """Train as :func:`ddtrain.fit` does, with its options, in silence; None where the run diverged.

    The run's directory is there until the process ends.
    """
    directory = _runs.enter_context(tempfile.TemporaryDirectory(prefix="lectures-"))
    try:
        with np.errstate(all="ignore"):  # a number that is not finite ends the run
            return ddtrain.fit(task, dir=directory, quiet=True, **options)
    except NonFiniteError:
        return None
