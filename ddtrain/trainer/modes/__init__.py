"""Modes by name: how closely the nodes of a run keep in step. Each mode is the loop's view of a step.

Read ``sync`` (every step waits for all nodes), then ``local_sgd`` and ``diloco`` (nodes train apart and average),
``stale`` (gradients one step late) and ``sharded_sync`` (a ``sync`` with the optimizer divided among the nodes). Two
are chosen by the optimizer: ``probing`` (gradients of another point) and ``trial_points`` (several evaluations of the
batch, by ``batch_objective``).

To add a mode, write ``modes/<name>.py`` and enter it in ``MODES``.
"""

from __future__ import annotations

from ddtrain.optim import BatchMethod, ProbingOptim
from ddtrain.trainer.config.config import Comm
from ddtrain.trainer.modes.diloco import DiLoCo
from ddtrain.trainer.modes.local_sgd import LocalSGD
from ddtrain.trainer.modes.probing import Probing, ShardedProbing
from ddtrain.trainer.modes.sharded_sync import ShardedSync
from ddtrain.trainer.modes.stale import Stale
from ddtrain.trainer.modes.sync import Sync
from ddtrain.trainer.modes.trial_points import TrialPoints
from ddtrain.trainer.step.train_step import TrainStep

MODES: dict[str, type[Sync]] = {"sync": Sync, "local": LocalSGD, "diloco": DiLoCo, "stale": Stale}


def make_mode(train_step: TrainStep, config: Comm) -> Sync:
    """The mode that the section ``comm`` asks for. Collective."""
    formula = train_step.optimizer.formula
    if isinstance(formula, BatchMethod):
        return TrialPoints(train_step, config)
    if isinstance(formula, ProbingOptim):
        return ShardedProbing(train_step, config) if config.sharded_optimizer else Probing(train_step, config)
    return ShardedSync(train_step, config) if config.sharded_optimizer else MODES[config.mode](train_step, config)


__all__ = ["MODES", "DiLoCo", "ShardedSync", "LocalSGD", "Stale", "Sync", "TrialPoints", "make_mode"]
