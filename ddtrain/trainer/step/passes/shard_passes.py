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

from collections.abc import Hashable
from typing import Any

import numpy as np

from ddtrain.autodiff import Tape
from ddtrain.param_store import ParamStore
from ddtrain.plan import Program
from ddtrain.plan.c_backend.places import layout
from ddtrain.trainer.step.forward_pass import ForwardPass
from ddtrain.trainer.step.passes.recorded_pass import RecordedPass
from ddtrain.trainer.step.passes.repeated_pass import RepeatedPass
from ddtrain.trainer.step.passes.shard_pass import EagerPass, PassPlan, ShardPass
from ddtrain.trainer.step.passes.verified_pass import VerifiedPass

KINDS = 8  # plans of a run; where every batch has a shape of its own, there are none


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
    listing : the first plan as text; empty until it has its functions
    """

    def __init__(self, store: ParamStore, enabled: bool = True, verify: int = 0, backend: str = "c") -> None:
        self.store, self.enabled, self.verify, self.backend = store, enabled, verify, backend
        self.refused = self.in_python = self.listing = ""
        self._plans: dict[Hashable, PassPlan] = {}

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
        key = (place, *[(x.shape, x.dtype, layout(x)) for x in batch])
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= KINDS:
                return self.refuse(f"there are more than {KINDS} shapes of batches", forward)
            plan = self._plans[key] = PassPlan()
        plan.calls += 1
        if plan.calls == 1:
            return EagerPass(forward, self.store)
        if plan.first is None or plan.repeats == plan.recorded_at:
            return RecordedPass(self, plan, forward)
        plan.repeats += 1
        if plan.repeats <= self.verify:
            return VerifiedPass(RepeatedPass(plan, forward, self.store), EagerPass(forward, self.store), self.store)
        return RepeatedPass(plan, forward, self.store)

    def refuse(self, why: str, forward: ForwardPass) -> ShardPass:
        """Give up planning; the eager pass in place of a planned one."""
        self.refused = why
        self._plans.clear()
        return EagerPass(forward, self.store)

    def programs(self) -> list[Program]:
        """The programs recorded so far."""
        return [plan.program for plan in self._plans.values() if plan.program is not None]
