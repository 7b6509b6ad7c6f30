"""A repeated pass beside an eager one: every result must have the same bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ddtrain.errors import ReplicaError
from ddtrain.param_store import ParamStore
from ddtrain.trainer.step.passes.repeated_pass import RepeatedPass
from ddtrain.trainer.step.passes.shard_pass import EagerPass, Sink


class VerifiedPass:
    """A repeated pass beside an eager one, of which every result must have the same bits."""

    def __init__(self, repeated: RepeatedPass, eager: EagerPass, store: ParamStore) -> None:
        self._repeated, self._eager, self._names = repeated, eager, store.names
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        expected = self._eager.forward()
        losses_N = self._repeated.forward()
        self.metrics, self.updates = self._repeated.metrics, self._repeated.updates
        _same("the losses", losses_N, expected)
        for name, mine, theirs in by_name(self._repeated, self._eager):
            _same(name, mine, theirs)
        return losses_N

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        expected: list[Any] = [None] * len(sinks)

        def keep(i: int) -> Sink:
            def sink(g: Any) -> None:
                expected[i] = None if g is None else np.array(g)

            return sink

        def compare(i: int) -> Sink:
            def sink(g: Any) -> None:
                _same(f"the gradient of {self._names[i]}", g, expected[i])
                sinks[i](g)

            return sink

        self._eager.backward(g_N, [keep(i) for i in range(len(sinks))])
        self._repeated.backward(g_N, _Checked([compare(i) for i in range(len(sinks))], expected, self._names, sinks))


class _Checked(list[Sink]):
    """Sinks that compare each gradient with the one expected, also where it is written without calling them."""

    def __init__(self, comparing: list[Sink], expected: list[Any], names: Sequence[str], sinks: Any) -> None:
        super().__init__(comparing)
        self._expected, self._names, self._sinks = expected, names, sinks
        self.target = getattr(sinks, "target", None)

    def ready(self, *gradients: int) -> None:
        for i in gradients:
            _same(f"the gradient of {self._names[i]}", self._sinks.target(i), self._expected[i])
        self._sinks.ready(*gradients)


def by_name(repeated: RepeatedPass, eager: EagerPass) -> Iterator[tuple[str, Any, Any]]:
    """Each metric, and each buffer's new value, as both passes have it."""
    for mine, theirs in ((repeated.metrics, eager.metrics), (repeated.updates, eager.updates)):
        for name, value in theirs.items():
            yield name, mine[name], value


def same_bits(mine: Any, eager: Any) -> bool:
    """Whether two results, None or arrays, are the same to the last bit."""
    if mine is None or eager is None:
        return mine is eager
    mine, eager = np.asarray(mine), np.asarray(eager)
    alike: bool = mine.shape == eager.shape and mine.dtype == eager.dtype
    return alike and mine.tobytes() == eager.tobytes()


def _same(what: str, mine: Any, eager: Any) -> None:
    if not same_bits(mine, eager):
        alike = mine is not None and eager is not None and np.shape(mine) == np.shape(eager)
        apart = f", by {np.abs(mine - eager).max()}" if alike else ""
        raise ReplicaError(
            f"plan: {what} of a repeated pass are not those of an eager one{apart}",
            remedy="Give --plan.enabled false, and tell us: a plan must have the same bits.",
        )
