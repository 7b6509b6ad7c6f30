"""An optimizer that keeps an average of the values beside them, as one more vector of its state.

Note [Average of weights]
The average is a vector of the optimizer's state, so that it is shared, sharded, saved, restored and, by modes whose
nodes train apart, averaged over the nodes like the others. Which updates have entered is a function of the number of
updates, which is saved, too. So a resumed run keeps the bits of one that never stopped, and skipped steps are no
updates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import kernels
from ddtrain.optim.averages.protocol import AVERAGE, WeightAverage
from ddtrain.optim.flat_optimizer import FlatOptimizer
from ddtrain.optim.layerwise import LayerwiseOptimizer
from ddtrain.optim.probing import Prober
from ddtrain.optim.protocol import WHOLE, Alloc, Vector


class AveragingOptimizer:
    """Updates as ``inner`` does, and then the average (Note [Average of weights]).

    Parameters
    ----------
    average : with its times in updates, see :meth:`Average.laid_over`
    n, dtype, alloc : of the vector

    >>> from ddtrain.optim import Sgd
    >>> from ddtrain.optim.averages import Ema
    >>> inner = FlatOptimizer(Sgd(momentum=0.0), 1, np.float64)
    >>> optimizer, values = AveragingOptimizer(inner, Ema(decay=0.5), 1, np.float64), np.zeros(1)
    >>> for _ in range(2):
    ...     optimizer.apply(values, np.ones(1), lr=1.0)
    >>> values, optimizer.state["average"]
    (array([-2.]), array([-1.5]))
    """

    def __init__(
        self,
        inner: FlatOptimizer | LayerwiseOptimizer,
        average: WeightAverage,
        n: int,
        dtype: DTypeLike,
        alloc: Alloc = np.zeros,
    ) -> None:
        self.formula, self.average, self._inner = inner.formula, average, inner
        self.state: dict[str, Vector] = {**inner.state, AVERAGE: alloc(n, dtype)}

    @property
    def count(self) -> int:
        """Updates so far."""
        return self._inner.count

    @count.setter
    def count(self, count: int) -> None:
        self._inner.count = count

    def apply(
        self, values: Vector, grads: Vector, *, lr: float, scale: float = 1.0, spans: Sequence[slice] = WHOLE
    ) -> None:
        """One update in place; see :meth:`Optimizer.apply`."""
        self._inner.apply(values, grads, lr=lr, scale=scale, spans=spans)
        keep = self.average.keep(self.count)
        if keep is not None:
            for span in spans:
                kernels.average_update.blend_(self.state[AVERAGE][span], values[span], keep)

    def probe(self, values: Vector, grads: Vector, *, scale: float, spans: Sequence[slice] = WHOLE) -> None:
        """Move the values in ``spans`` to the point whose gradient the optimizer wants; no update."""
        cast(Prober, self._inner).probe(values, grads, scale=scale, spans=spans)
