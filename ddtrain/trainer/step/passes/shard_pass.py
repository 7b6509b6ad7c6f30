"""What a pass is, and the eager one: Python runs the model, and a tape follows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

from ddtrain.autodiff import Tape, record, walk_back
from ddtrain.param_store import ParamStore
from ddtrain.plan import Program
from ddtrain.plan.c_backend import NativeProgram
from ddtrain.trainer.step.forward_pass import Forward

Sink = Callable[[Any], None]
AGAIN = 16  # so many times as many repeats, and a pass is recorded anew


class ShardPass(Protocol):
    """One shard's pass, whose two halves are called once each, in order; the first alone where nothing is learned."""

    metrics: Mapping[str, Any]
    updates: Mapping[str, Any]

    def forward(self) -> Any:
        """The losses, (N,), one a sample; then ``metrics`` and the buffers' new values, ``updates``, are there."""
        ...

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        """Walk back from the losses' cotangent; each parameter's gradient goes to its sink when it is complete."""
        ...


class EagerPass:
    """Python runs the model, and a tape follows."""

    def __init__(self, forward: Forward, store: ParamStore, tape_type: Callable[[int], Tape] = Tape) -> None:
        self._forward, self._store, self._tape_type = forward, store, tape_type
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        losses_of: Callable[..., Any] = lambda *leaves: self._forward(self._store.with_parameters(leaves))
        if self._forward.differentiated:
            losses_N, self._tape, self._end = record(losses_of, self._store.value_views, self._tape_type)
        else:
            losses_N = losses_of(*self._store.value_views)
        self.metrics, self.updates = self._forward.metrics, self._forward.updates
        return losses_N

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        walk_back(self._tape, self._end, g_N, sinks, keep=False)


class PassPlan:
    """What is known of one shard's batches of one kind.

    Attributes
    ----------
    kind : the same for all shards whose batches are alike
    calls, repeats : passes so far, and those of them that were repeated from the plan
    settled : whether an eager pass has left what the model's Python reads as it was
    recorded_at : the number of repeats after which the pass is recorded anew
    unverified : repeats that are still to be compared with an eager pass
    untried : whether its functions in C have not yet been called
    program : what was recorded first
    native, first, second, carried : its functions, once it was recorded twice; see ``ddtrain.plan.c_backend``
    metrics, updates : what the results after the losses are called
    """

    def __init__(self, kind: Hashable, recorded_at: int) -> None:
        self.kind = kind
        self.calls = self.repeats = self.unverified = 0
        self.recorded_at = recorded_at
        self.settled = self.untried = False
        self.program: Program | None = None
        self.native: NativeProgram | None = None
        self.first: Callable[..., Any] | None = None
        self.second: Callable[..., Any] | None = None
        self.carried = 0
        self.metrics: list[str] = []
        self.updates: list[str] = []

    def share(self, twin: PassPlan) -> None:
        """Take over the functions of a plan of the same program."""
        self.native, self.first, self.second, self.carried = twin.native, twin.first, twin.second, twin.carried
