"""How loosely the nodes of a run hold together: modes by name, each of them the loop's view of a step.

To add a mode, write ``modes/<name>.py`` and enter it in ``MODES``.
"""

from __future__ import annotations

from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes.diloco import DiLoCo
from ddtrain.trainer.modes.local_sgd import Local
from ddtrain.trainer.modes.sharded_optimizer import Divided, DividedOptimizer
from ddtrain.trainer.modes.stale import Stale
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.step.train_step import TrainStep

MODES: dict[str, type[Sync]] = {"sync": Sync, "local": Local, "diloco": DiLoCo, "stale": Stale}


def make_mode(step_of: TrainStep, config: Comm) -> Sync:
    """The mode that the section ``comm`` asks for. Collective."""
    return Divided(step_of, config) if config.sharded_optimizer else MODES[config.mode](step_of, config)


__all__ = ["MODES", "DiLoCo", "Divided", "DividedOptimizer", "Local", "Stale", "Sync", "make_mode"]
