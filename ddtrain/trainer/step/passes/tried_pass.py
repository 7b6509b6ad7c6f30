"""The first pass by C, beside an eager one, whose results count: so a compiler's mistakes are found and do no harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ddtrain.param_store import ParamStore
from ddtrain.trainer.step.passes.repeated_pass import RepeatedPass
from ddtrain.trainer.step.passes.shard_pass import EagerPass, PassPlan, Sink
from ddtrain.trainer.step.passes.verified_pass import by_name, same_bits


class Passes(Protocol):
    """What a tried pass asks of :class:`~ddtrain.trainer.step.passes.ShardPasses`."""

    store: ParamStore

    def give_up_c(self, plan: PassPlan, why: str) -> None: ...


class TriedPass:
    """A pass by C beside an eager one. Where they differ to the last bit, the plan goes on in Python."""

    def __init__(self, passes: Passes, plan: PassPlan, repeated: RepeatedPass, eager: EagerPass) -> None:
        self._passes, self._plan, self._repeated, self._eager = passes, plan, repeated, eager
        self._given_up = False
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        losses_N, mine = self._eager.forward(), self._repeated.forward()
        self.metrics, self.updates = self._eager.metrics, self._eager.updates
        self._compare("the losses", mine, losses_N)
        for name, made, wanted in by_name(self._repeated, self._eager):
            self._compare(name, made, wanted)
        return losses_N

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        if self._given_up:
            self._eager.backward(g_N, sinks)
            return
        mine = _OwnSinks(sinks)
        self._repeated.backward(g_N, mine)

        def compared(i: int, name: str) -> Sink:
            def sink(g: Any) -> None:
                self._compare(f"the gradient of {name}", mine.gradients[i], g)
                sinks[i](g)

            return sink

        self._eager.backward(g_N, [compared(i, name) for i, name in enumerate(self._passes.store.names)])

    def _compare(self, what: str, mine: Any, eager: Any) -> None:
        if not self._given_up and not same_bits(mine, eager):
            self._given_up = True
            self._passes.give_up_c(self._plan, f"the compiler has made a mistake: {what} are not those of Python")


class _OwnSinks(list[Sink]):
    """Sinks that keep gradients in arrays of their own; C copies a gradient where the pass's own sinks let it."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        super().__init__(self._keeper(i) for i in range(len(sinks)))
        self.gradients: list[Any] = [None] * len(sinks)
        self._sinks = sinks

    def _keeper(self, i: int) -> Sink:
        def keep(g: Any) -> None:
            self.gradients[i] = None if g is None else np.array(g)

        return keep

    def target(self, i: int) -> Any:
        where = self._sinks.target(i)  # type: ignore[attr-defined]  # which is asked only if it can be
        self.gradients[i] = None if where is None else np.empty_like(where)
        return self.gradients[i]

    def ready(self, *gradients: int) -> None:
        """Nobody waits for them."""
