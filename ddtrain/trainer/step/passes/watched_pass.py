"""An eager pass that looks whether the model's Python changes what it reads."""

from __future__ import annotations

from typing import Any, Protocol

from ddtrain.param_store import ParamStore
from ddtrain.plan.surroundings import Surroundings
from ddtrain.trainer.step.forward_pass import Forward
from ddtrain.trainer.step.passes.shard_pass import EagerPass, PassPlan


class Passes(Protocol):
    """What a watched pass asks of :class:`~ddtrain.trainer.step.passes.ShardPasses`."""

    store: ParamStore

    def look(self) -> Surroundings: ...

    def watched(self, plan: PassPlan, before: Surroundings) -> None: ...


class WatchedPass(EagerPass):
    """An eager pass that looks whether the model's Python changes what it reads."""

    def __init__(self, passes: Passes, plan: PassPlan, forward: Forward) -> None:
        super().__init__(forward, passes.store)
        self._passes, self._plan = passes, plan

    def forward(self) -> Any:
        before = self._passes.look()
        losses_N = super().forward()
        self._passes.watched(self._plan, before)
        return losses_N
