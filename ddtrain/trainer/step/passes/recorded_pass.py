"""An eager pass that is written down as a program, and the plan that is made when that was done twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ddtrain.autodiff import array_like, record, walk_back
from ddtrain.kernels.native.cache import CacheError
from ddtrain.kernels.native.compiler import CompilerError
from ddtrain.ops.collectives import peers
from ddtrain.param_store import ParamStore
from ddtrain.plan import Program, Recorder, Slot, difference, python_function
from ddtrain.plan.c_backend import NativeProgram, lower
from ddtrain.plan.c_backend.places import apart
from ddtrain.plan.deliver import deliver
from ddtrain.plan.passes import improve
from ddtrain.plan.recorder import could_be_the_recorder
from ddtrain.plan.surroundings import Surroundings
from ddtrain.trainer.step.forward_pass import Forward
from ddtrain.trainer.step.passes.shard_pass import AGAIN, PassPlan, ShardPass, Sink
from ddtrain.trainer.step.passes.verified_pass import same_bits

_MIDDLE = "end of forward"


class Passes(Protocol):
    """What a recorded pass asks of :class:`~ddtrain.trainer.step.passes.ShardPasses`."""

    store: ParamStore
    in_python: str

    def wants_c(self, plan: PassPlan) -> bool: ...

    def shared(self, plan: PassPlan) -> PassPlan | None: ...

    def take_note(self, plan: PassPlan, program: Program) -> None: ...

    def refuse(self, why: str, forward: Forward) -> ShardPass: ...

    def look(self) -> Surroundings: ...


class RecordedPass:
    """An eager pass that is written down as well."""

    def __init__(self, passes: Passes, plan: PassPlan, forward: Forward) -> None:
        self._passes, self._plan, self._forward = passes, plan, forward
        self._eager: ShardPass | None = None  # in its place, once there can be no plan
        self.metrics: Mapping[str, Any] = {}
        self.updates: Mapping[str, Any] = {}

    def forward(self) -> Any:
        self._recorder = recorder = Recorder(keeps=self._passes.wants_c(self._plan))
        forward, store = self._forward, self._passes.store
        leaves = [recorder.input(x, name) for name, x in zip(store.names, store.value_views)]
        buffers = {name: recorder.input(x, name) for name, x in store.state_views.items()}
        given = apart(forward.batch) if recorder.keeps else forward.batch
        batch = tuple(recorder.input(x, f"batch[{i}]") for i, x in enumerate(given))
        rng = _RecordedRng(recorder, forward.rng)

        def losses_of(*boxes: Any) -> Any:
            return forward({**dict(zip(store.names, boxes)), **buffers}, batch=batch, rng=rng)

        before = self._passes.look()
        try:
            if forward.differentiated:
                losses_N, self._tape, self._end = record(losses_of, leaves)
            else:
                losses_N = losses_of(*leaves)
        except Exception as error:
            if not (recorder.refused or could_be_the_recorder(error)):
                raise
            return self._without(recorder.refused or str(error).partition("\n")[0])
        if changed := before.changed():
            recorder.refused = recorder.refused or f"{changed} after a forward pass"
        self._returned = [losses_N, *forward.metrics.values(), *forward.updates.values()]
        recorder.call(_MIDDLE, _nothing, effect=True)
        self.metrics = {name: array_like(x) for name, x in forward.metrics.items()}
        self.updates = {name: array_like(x) for name, x in forward.updates.items()}
        if self._plan.program is None and not recorder.refused and self._depends_on_tracing(array_like(losses_N)):
            return self._without("the loss is another when it is called again, with a batch of plain arrays")
        if not forward.differentiated:
            self._complete([], None)
        return array_like(losses_N)

    def _without(self, why: str) -> Any:
        """The losses of an eager pass, in the place of this one."""
        self._eager = self._passes.refuse(why, self._forward)
        losses_N = self._eager.forward()
        self.metrics, self.updates = self._eager.metrics, self._eager.updates
        return losses_N

    def _depends_on_tracing(self, losses_N: Any) -> bool:
        """Whether an eager pass gives something else, as with ``isinstance(x, np.ndarray)`` or ``x += 1``.

        Not asked where ranks exchange something inside the model, as others may have no reason to make this pass.
        """
        functions = [instruction.function for instruction in self._recorder.instructions]
        if peers() is not None and any(getattr(function, "communicates", False) for function in functions):
            return False
        forward, store = self._forward, self._passes.store
        batch = tuple(x.copy(order="K") for x in forward.batch)  # which the model's Python may write to
        losses_of: Callable[..., Any] = lambda *leaves: forward(store.with_parameters(leaves), batch=batch)
        traced = forward.differentiated
        expected = record(losses_of, store.value_views)[0] if traced else losses_of(*store.value_views)
        pairs = [(losses_N, expected)]
        for mine, eager in ((self.metrics, forward.metrics), (self.updates, forward.updates)):
            pairs += [(mine[name], eager.get(name)) for name in mine]
        return not all(same_bits(mine, array_like(eager)) for mine, eager in pairs)

    def backward(self, g_N: Any, sinks: Sequence[Sink]) -> None:
        if self._eager is not None:
            self._eager.backward(g_N, sinks)
            return
        recorder = self._recorder
        late = len(recorder.inputs)
        g, given = recorder.input(g_N, "weights"), recorder.handle(sinks, "sinks")
        deliver = [_Delivery(recorder, given, i) for i in range(len(sinks))]
        walk_back(self._tape, self._end, g, deliver, keep=False)
        self._complete(recorder.inputs[late:], sinks)

    def _complete(self, late: Sequence[Slot], sinks: Any) -> None:
        """Make a plan of what was recorded, if it is what was recorded before.

        Parameters
        ----------
        late : the inputs of the backward pass alone
        sinks : where gradients go, None if there are none
        """
        recorder, plan = self._recorder, self._plan
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
            return
        if plan.first is not None:
            plan.repeats, plan.recorded_at = plan.repeats + 1, plan.recorded_at * AGAIN
        twin = self._passes.shared(plan)
        if twin is not None and (plan.first is None or plan.native is not twin.native):
            plan.share(twin)
            self._passes.take_note(plan, program)
        elif plan.first is None or recorder.keeps:
            self._make_functions(improve(program), late, sinks)

    def _make_functions(self, program: Program, late: Sequence[Slot], sinks: Any) -> None:
        """The plan's functions: of C, where it is time for it and there is a compiler, or of Python."""
        plan = self._plan
        if self._recorder.keeps:
            plan.native = self._lowered(program, late, sinks)
        if plan.native is not None:
            plan.first, plan.second, plan.carried = plan.native.first, plan.native.second, plan.native.carried
            plan.untried = peers() is None or not program.communicates
        elif plan.first is None:
            first, second, plan.carried = program.split(_MIDDLE, late)
            plan.first, plan.second = python_function(first), python_function(second, consumes=True)
        else:
            return
        self._passes.take_note(plan, program)

    def _lowered(self, program: Program, late: Sequence[Slot], sinks: Any) -> NativeProgram | None:
        store = self._passes.store
        fixed = dict(zip(program.inputs, [*store.value_views, *store.state_views.values()]))
        try:
            return lower(program, self._recorder.values, _MIDDLE, late, fixed, sinks, alone=peers() is None)
        except (CompilerError, CacheError) as error:
            self._passes.in_python = str(error)
            return None


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
