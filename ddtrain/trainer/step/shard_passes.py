"""The forward and backward pass of a shard: traced as the tape does, recorded as a plan, or repeated from one.

Note [First eager, then recorded twice]
The first pass of each kind of batch is eager, so that mistakes are found where Python finds them. The second is run
under a recorder and gives a program, the third gives another, and if both are the same, later passes repeat it. After
16, 256, 4,096, ... repeats the pass is recorded once more and compared, in case the model asks for something that has
changed meanwhile. Whatever the reason not to have a plan, the pass is eager then, and the first reason is told once.

Recorded, eager and repeated passes call the same kernels with the same values in the same order: the bits are the same,
and so is the order of collectives, so ranks need not agree on which of them has a plan.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ddtrain.autodiff import Tape, array_like, record, walk_back
from ddtrain.errors import ReplicaError
from ddtrain.kernels.native.cache import CacheError
from ddtrain.kernels.native.compiler import CompilerError
from ddtrain.ops.collectives import peers
from ddtrain.param_store import ParamStore
from ddtrain.plan import Program, Recorder, Slot, difference, python_function
from ddtrain.plan.c_backend import NativeProgram, lower
from ddtrain.plan.deliver import deliver
from ddtrain.plan.passes import improve
from ddtrain.plan.recorder import could_be_the_recorder
from ddtrain.trainer.step.forward_pass import ForwardPass

KINDS = 8  # plans of a run; where every batch has a shape of its own, there are none
_AGAIN = 16  # repeats after which a pass is recorded anew, and 16 times as many for each next time
_MIDDLE = "end of forward"

Sink = Callable[[Any], None]


class ShardPass(Protocol):
    """One shard's pass, whose two halves are called once each, in order."""

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

    def __init__(self, forward: ForwardPass, store: ParamStore, tape_type: Callable[[int], Tape] = Tape) -> None:
        self._forward, self._store, self._tape_type = forward, store, tape_type
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        losses_of = lambda *leaves: self._forward(self._store.with_parameters(leaves))
        losses_N, self._tape, self._end = record(losses_of, self._store.value_views, self._tape_type)
        self.metrics, self.updates = self._forward.metrics, self._forward.updates
        return losses_N

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        walk_back(self._tape, self._end, g_N, sinks, keep=False)


class _Plan:
    """What is known of one kind of batch."""

    def __init__(self) -> None:
        self.calls = 0  # passes so far
        self.repeats, self.recorded_at = 0, _AGAIN
        self.program: Program | None = None
        self.native: NativeProgram | None = None
        self.first: Callable[..., Any] | None = None
        self.second: Callable[..., Any] | None = None
        self.carried = 0
        self.metrics: list[str] = []
        self.updates: list[str] = []


class ShardPasses:
    """Makes the passes of a run's shards, by plans where there are some.

    Parameters
    ----------
    store : the model's values
    enabled : whether passes may be planned
    verify : so many repeats are compared with an eager pass, bit by bit
    backend : "c" makes generated C of what can be, "python" calls every kernel from Python

    Attributes
    ----------
    refused : why passes are eager; empty while they may be planned
    in_python : why plans run in Python though C was asked for; empty while they do not
    """

    def __init__(self, store: ParamStore, enabled: bool = True, verify: int = 0, backend: str = "c") -> None:
        self.store, self.enabled, self.verify, self.backend = store, enabled, verify, backend
        self.refused = self.in_python = ""
        self._plans: dict[Hashable, _Plan] = {}

    def make(self, forward: ForwardPass, place: Hashable, tape_type: Any = Tape) -> ShardPass:
        """The pass of one shard.

        Parameters
        ----------
        place : what else the pass depends on, such as which shard of how large a batch
        tape_type : a tape that watches, for an eager pass
        """
        if not self.enabled or self.refused or tape_type is not Tape:
            return EagerPass(forward, self.store, tape_type)
        batch = forward.batch
        if not all(type(x) is np.ndarray and x.dtype.kind in "fciub" for x in batch):
            return self.refuse("the data set gives something else than arrays of numbers", forward)
        key = (place, *[(x.shape, x.dtype.char) for x in batch])
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= KINDS:
                return self.refuse(f"there are more than {KINDS} shapes of batches", forward)
            plan = self._plans[key] = _Plan()
        plan.calls += 1
        if plan.calls == 1:
            return EagerPass(forward, self.store)
        if plan.first is None or plan.repeats == plan.recorded_at:
            return _RecordedPass(self, plan, forward)
        plan.repeats += 1
        if plan.repeats <= self.verify:
            return _VerifiedPass(_RepeatedPass(plan, forward, self.store), EagerPass(forward, self.store), self.store)
        return _RepeatedPass(plan, forward, self.store)

    def refuse(self, why: str, forward: ForwardPass) -> ShardPass:
        """Give up planning; the eager pass in place of a planned one."""
        self.refused = why
        self._plans.clear()
        return EagerPass(forward, self.store)

    def programs(self) -> list[Program]:
        """The programs recorded so far."""
        return [plan.program for plan in self._plans.values() if plan.program is not None]


class _RecordedPass:
    """An eager pass that is written down as well."""

    def __init__(self, passes: ShardPasses, plan: _Plan, forward: ForwardPass) -> None:
        self._passes, self._plan, self._forward = passes, plan, forward
        self._eager: ShardPass | None = None  # in its place, once there can be no plan
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        self._recorder = recorder = Recorder(keeps=self._plan.program is not None and self._plan.first is None)
        forward, store = self._forward, self._passes.store
        leaves = [recorder.input(x, name) for name, x in zip(store.names, store.value_views)]
        buffers = {name: recorder.input(x, name) for name, x in store.state_views.items()}
        batch = tuple(recorder.input(x, f"batch[{i}]") for i, x in enumerate(forward.batch))
        rng = _RecordedRng(recorder, forward.rng)
        losses_of = lambda *boxes: forward({**dict(zip(store.names, boxes)), **buffers}, batch=batch, rng=rng)
        try:
            losses_N, self._tape, self._end = record(losses_of, leaves)
        except Exception as error:
            if not (recorder.refused or could_be_the_recorder(error)):
                raise
            self._eager = self._passes.refuse(recorder.refused or str(error).partition("\n")[0], forward)
            losses_N = self._eager.forward()
            self.metrics, self.updates = self._eager.metrics, self._eager.updates
            return losses_N
        self._returned = [losses_N, *forward.metrics.values(), *forward.updates.values()]
        recorder.call(_MIDDLE, _nothing, effect=True)
        self.metrics = {name: array_like(x) for name, x in forward.metrics.items()}
        self.updates = {name: array_like(x) for name, x in forward.updates.items()}
        return array_like(losses_N)

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        if self._eager is not None:
            self._eager.backward(g_N, sinks)
            return
        recorder, plan = self._recorder, self._plan
        late = len(recorder.inputs)
        g, given = recorder.input(g_N, "weights"), recorder.handle(sinks, "sinks")
        deliver = [_Delivery(recorder, given, i) for i in range(len(sinks))]
        walk_back(self._tape, self._end, g, deliver, keep=False)
        if recorder.refused:
            self._passes.refuse(recorder.refused, self._forward)
            return
        program = recorder.finish(self._returned)
        metrics, updates = list(self.metrics), list(self.updates)
        if plan.program is None:
            plan.program, plan.metrics, plan.updates = program, metrics, updates
            return
        different = difference(plan.program, program)
        if different or plan.metrics != metrics or plan.updates != updates:
            self._passes.refuse(different or "the metrics or buffers are others the next time", self._forward)
        elif plan.first is None:
            self._make_functions(improve(program), recorder, recorder.inputs[late:], sinks)
        else:
            plan.repeats, plan.recorded_at = plan.repeats + 1, plan.recorded_at * _AGAIN

    def _make_functions(self, program: Program, recorder: Recorder, late: Sequence[Slot], sinks: Any) -> None:
        """The plan's functions: of C, if there is a compiler, or of Python."""
        plan, passes = self._plan, self._passes
        if passes.backend == "c" and not passes.in_python:
            store = passes.store
            fixed = dict(zip(program.inputs, [*store.value_views, *store.state_views.values()]))
            try:
                plan.native = lower(program, recorder.values, _MIDDLE, late, fixed, sinks, alone=peers() is None)
            except (CompilerError, CacheError) as error:
                passes.in_python = str(error)
            if plan.native is not None:
                plan.first, plan.second, plan.carried = plan.native.first, plan.native.second, plan.native.carried
                return
        first, second, plan.carried = program.split(_MIDDLE, late)
        plan.first, plan.second = python_function(first), python_function(second, consumes=True)


class _RepeatedPass:
    """A pass by its plan."""

    def __init__(self, plan: _Plan, forward: ForwardPass, store: ParamStore) -> None:
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


class _VerifiedPass:
    """A repeated pass beside an eager one, of which every result must have the same bits."""

    def __init__(self, repeated: _RepeatedPass, eager: EagerPass, store: ParamStore) -> None:
        self._repeated, self._eager, self._names = repeated, eager, store.names
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        expected = self._eager.forward()
        losses_N = self._repeated.forward()
        self.metrics, self.updates = self._repeated.metrics, self._repeated.updates
        _same("the losses", losses_N, expected)
        for mine, theirs in ((self.metrics, self._eager.metrics), (self.updates, self._eager.updates)):
            for name, value in theirs.items():
                _same(name, mine[name], value)
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

    def ready(self, i: int) -> None:
        _same(f"the gradient of {self._names[i]}", self._sinks.target(i), self._expected[i])
        self._sinks.ready(i)


class _Delivery:
    """A sink that writes down that a gradient goes to sink ``i`` of those that a pass is given."""

    def __init__(self, recorder: Recorder, given: Any, i: int) -> None:
        self._recorder, self._given, self._i = recorder, given, i

    def __call__(self, g: Any) -> None:
        self._recorder.call("gradient", deliver, self._given, self._i, g, effect=True)


class _RecordedRng:
    """Random numbers of a recorded pass: drawing some is an instruction, of the randomness that a pass is given."""

    def __init__(self, recorder: Recorder, rng: Any) -> None:
        self._recorder, self._given, self._rng = recorder, recorder.handle(rng, "rng"), rng

    def uniform(self, purpose: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
        return self._recorder.call("uniform", _uniform, self._given, purpose, shape, dtype)

    def __getattr__(self, name: str) -> Any:
        self._recorder.asked(f"reads rng.{name}")
        return getattr(self._rng, name)


def _uniform(rng: Any, purpose: str, shape: tuple[int, ...], dtype: Any) -> Any:
    return rng.uniform(purpose, shape, dtype)


def _nothing() -> None:
    """Stands between the forward and the backward pass."""


def _same(what: str, mine: Any, eager: Any) -> None:
    if mine is None or eager is None:
        same = mine is eager
    else:
        mine, eager = np.asarray(mine), np.asarray(eager)
        same = mine.shape == eager.shape and mine.dtype == eager.dtype and mine.tobytes() == eager.tobytes()
    if not same:
        alike = mine is not None and eager is not None and mine.shape == eager.shape
        apart = f", by {np.abs(mine - eager).max()}" if alike else ""
        raise ReplicaError(
            f"plan: {what} of a repeated pass are not those of an eager one{apart}",
            remedy="Give --plan.enabled false, and tell us: a plan must have the same bits.",
        )
