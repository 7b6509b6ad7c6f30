"""A pass by its plan: the functions that were made of its program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ddtrain.param_store import ParamStore
from ddtrain.trainer.step.forward_pass import Forward
from ddtrain.trainer.step.passes.shard_pass import PassPlan, Sink


class RepeatedPass:
    """A pass by its plan."""

    def __init__(self, plan: PassPlan, forward: Forward, store: ParamStore) -> None:
        self._plan, self._forward, self._store = plan, forward, store
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        plan, store, forward = self._plan, self._store, self._forward
        assert plan.first is not None
        results = plan.first(*store.value_views, *store.state_views.values(), *forward.batch, forward.rng)
        returned, self._carried = results[: len(results) - plan.carried], results[len(results) - plan.carried :]
        losses_N, values = returned[0], iter(returned[1:])
        self.metrics = {name: next(values) for name in plan.metrics}
        self.updates = {name: next(values) for name in plan.updates}
        return losses_N

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        assert self._plan.second is not None
        self._carried += [g_N, sinks]
        self._plan.second(self._carried)
