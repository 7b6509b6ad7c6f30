"""Optimizers over flat vectors, and learning-rate schedules.

To add an optimizer, write ``optim/<name>.py`` and enter it in ``OPTIMIZERS``: the configuration, the tests over
all members and the checkpoints follow the table.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ddtrain.errors import UsageError, quoted
from ddtrain.optim import adam, schedules, sgd
from ddtrain.optim.protocol import Alloc, Factory, OptimConfig, Optimizer, made

OPTIMIZERS: dict[str, Factory] = {"sgd": sgd.make, "adam": adam.make, "adamw": adam.make_decoupled}


def make(config: OptimConfig, n: int, dtype: DTypeLike, alloc: Alloc = np.zeros) -> Optimizer:
    """The optimizer that the section ``optim`` asks for.

    Parameters
    ----------
    config : the section; each optimizer reads the options it has
    n : length of the value vector
    dtype : float32 or float64
    alloc : where the optimizer's vectors come from

    Raises
    ------
    UsageError : a name that is not in the table, or an entry that makes no optimizer.
    """
    if config.name not in OPTIMIZERS:
        raise UsageError(
            f"--optim.name {quoted(config.name)} is not known", remedy=f"Choose among {', '.join(OPTIMIZERS)}."
        )
    entry, maker = f"OPTIMIZERS[{config.name!r}]", OPTIMIZERS[config.name]
    optimizer: Optimizer = made(entry, maker, (config, n, dtype, alloc), ("apply", "state", "count"), "an optimizer")
    return optimizer


__all__ = ["OPTIMIZERS", "Alloc", "Factory", "OptimConfig", "Optimizer", "make", "schedules"]
