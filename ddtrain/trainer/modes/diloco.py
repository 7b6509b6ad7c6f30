"""DiLoCo: like local SGD, but the nodes' mean movement in H steps is the gradient of an outer optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.trainer.modes.local_sgd import LocalSGD
from ddtrain.trainer.modes.sync import own
from ddtrain.trainer.step.train_step import TrainStep


class DiLoCo(LocalSGD):
    """Every ``sync_every`` steps, one step of SGD with Nesterov momentum along the mean of the nodes' movements.

    With θ the parameters that all nodes had at the last meeting, x the mean of theirs now, v the velocity (zero at
    first), and the rate and momentum ``outer_lr`` and ``outer_momentum``:

        d ← θ − x
        v ← momentum · v + d
        θ ← θ − lr · (d + momentum · v), and every node goes on from there

    Every node keeps its own state of the inner optimizer. With rate 1 and momentum 0 this is averaging the parameters.

    References
    ----------
    Douillard et al. (2023), "DiLoCo: distributed low-communication training of language models", arXiv:2311.08105,
    algorithm 1.
    """

    # the nodes' states are averaged, but only for checkpoints, so that other nodes can go on from them
    keeps_state: ClassVar[bool] = True

    def __init__(self, train_step: TrainStep, config: Any) -> None:
        super().__init__(train_step, config)
        self.outer_lr, self.outer_momentum = config.outer_lr, config.outer_momentum
        self.anchor = train_step.store.values.copy()
        self.velocity = np.zeros_like(self.anchor)

    def meet(self) -> None:
        self._average(self.values)
        for mean, anchor, velocity in zip(
            self.values, own(self.anchor, self.spans), own(self.velocity, self.spans), strict=True
        ):
            moved = anchor - mean
            velocity *= self.outer_momentum
            velocity += moved
            anchor -= self.outer_lr * (moved + self.outer_momentum * velocity)
            mean[...] = anchor
        self.wait_for_node()

    def rank_state(self) -> dict[str, Array]:
        return {**super().rank_state(), "mean.anchor": self.anchor, "mean.velocity": self.velocity}

    def load_rank_state(self, memory: Mapping[str, Array], exactly: bool) -> None:
        super().load_rank_state(memory, exactly)
        if "mean.velocity" in memory:
            self.velocity[...] = memory["mean.velocity"]
        self.anchor[...] = memory["mean.anchor"] if exactly else self.train_step.store.values
