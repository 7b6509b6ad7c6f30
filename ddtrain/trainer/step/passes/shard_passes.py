"""The forward and backward pass of a shard: traced as the tape does, recorded as a plan, or repeated from one.

Note [First eager, then recorded twice]
The first pass of each kind of batch is eager, so that mistakes are found where Python finds them. The second is run
under a recorder and gives a program, and once more eagerly, forward, as Python may ask what kind of array the batch
is; the third gives another program, and if both are the same, later passes repeat it, its
kernels called from Python. After 16, 256, 4,096, ... repeats the pass is recorded once more and compared, in case the
model asks for something that has changed meanwhile. At the first of these C is made of it: by then a run is long enough
to be worth the compiler's time. The next pass is made by C and eagerly, unless something is exchanged in it, and if one
bit differs, the plan goes on in Python. Whatever the reason not to have a plan, the pass is eager then, and the first
reason is told once.

What the model's Python reads besides its arguments is looked at around every pass that runs it, and before every one
that does not (Note [Surroundings of a plan]). A pass that changes it in its first call, as one that fills a table does,
is eager once more, and refused if it does so again; a change from outside, by a callback say, begins all plans anew.

Shards of a rank that exchange nothing with others follow each other (Note [Turns] in ``parallel/shards``). They share
the functions of a plan, and the memory that these work in, once each has recorded the same program.

Recorded, eager and repeated passes call the same kernels with the same values in the same order: the bits are the same,
and so is the order of collectives, so ranks need not agree on which of them has a plan.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from ddtrain.autodiff import Tape
from ddtrain.memory import available_memory
from ddtrain.param_store import ParamStore
from ddtrain.plan import Program, difference
from ddtrain.plan.c_backend.places import layout
from ddtrain.plan.listing import listing
from ddtrain.plan.surroundings import Surroundings
from ddtrain.trainer.step.forward_pass import Forward
from ddtrain.trainer.step.passes.recorded_pass import RecordedPass
from ddtrain.trainer.step.passes.repeated_pass import RepeatedPass
from ddtrain.trainer.step.passes.shard_pass import AGAIN, EagerPass, PassPlan, ShardPass
from ddtrain.trainer.step.passes.tried_pass import TriedPass
from ddtrain.trainer.step.passes.verified_pass import VerifiedPass
from ddtrain.trainer.step.passes.watched_pass import WatchedPass

KINDS = 8  # plans of a run; where every batch has a shape of its own, there are none
_NEEDED = 1.5  # bytes that making C takes, by those of the arrays that were recorded: 1.24 of a convolutional net
CHANGES = 8  # so often plans begin anew, because what the model reads was changed from outside


class ShardPasses:
    """Makes the passes of a run's shards, by plans where there are some.

    Parameters
    ----------
    store : the model's values
    enabled, backend, compile_after, verify_steps : as :class:`~ddtrain.trainer.config.config.Plan` has them
    roots : the model and the loss, by name: whose Python a plan does not run
    sharers : processes that share this machine's memory, and make C at the same time

    Attributes
    ----------
    refused : why passes are eager; empty while they may be planned
    in_python : why plans run in Python though C was asked for; empty while they do not
    listing : the first plan as text; empty until it has its functions
    """

    def __init__(
        self,
        store: ParamStore,
        enabled: bool = True,
        backend: str = "c",
        compile_after: int = AGAIN,
        verify_steps: int = 0,
        roots: Mapping[str, Any] | None = None,
        sharers: int = 1,
    ) -> None:
        self.store, self.enabled, self.backend = store, enabled, backend
        self.compile_after, self.verify, self.sharers = compile_after, verify_steps, sharers
        self.refused = self.in_python = self.listing = ""
        self._plans: dict[tuple[Hashable, Hashable], PassPlan] = {}  # by kind of batch, and by shard
        self._roots, self._changes = roots or {}, 0
        self._surroundings: Surroundings | None = None  # that the plans were made in
        self._listed: PassPlan | None = None

    def make(self, forward: Forward, shard: Hashable, place: Hashable, tape_type: Any = Tape) -> ShardPass:
        """The pass of one shard.

        Parameters
        ----------
        shard : which one, as those of a rank may take turns
        place : what else the pass depends on, such as the size of the global batch
        tape_type : a tape that watches, for an eager pass
        """
        if not self.enabled or self.refused or tape_type is not Tape:
            return EagerPass(forward, self.store, tape_type)
        batch = forward.batch
        if not all(type(x) is np.ndarray and x.dtype.kind in "fciub" for x in batch):
            return self.refuse("the data set gives something else than arrays of numbers", forward)
        if self._surroundings is not None and (moved := self._surroundings.moved()):
            self._changes += 1
            if self._changes > CHANGES:
                return self.refuse(f"{moved}, and what the model reads has changed {CHANGES} times before", forward)
            self._surroundings = None
            self._plans.clear()
        kind = (place, *[(x.shape, x.dtype, layout(x)) for x in batch])
        plan = self._plans.get((kind, shard))
        if plan is None:
            if len({kind, *(kind for kind, _ in self._plans)}) > KINDS:
                return self.refuse(f"there are more than {KINDS} shapes of batches", forward)
            plan = self._plans[kind, shard] = PassPlan(kind, self.compile_after or AGAIN)
        plan.calls += 1
        if not plan.settled:
            return WatchedPass(self, plan, forward)
        if plan.first is None or plan.repeats == plan.recorded_at:
            return RecordedPass(self, plan, forward)
        plan.repeats += 1
        repeated = RepeatedPass(plan, forward, self.store)
        if not (plan.unverified or plan.untried):
            return repeated
        eager, plan.untried = EagerPass(forward, self.store), False
        if plan.unverified:
            plan.unverified -= 1
            return VerifiedPass(repeated, eager, self.store)
        return TriedPass(self, plan, repeated, eager)

    def look(self) -> Surroundings:
        """What the model and the loss can read now."""
        return Surroundings(self._roots)

    def watched(self, plan: PassPlan, before: Surroundings) -> None:
        """Take note of what an eager pass has changed of its surroundings."""
        changed = before.changed()
        if changed and plan.calls > 1:
            self.refused = f"{changed} after a forward pass"
            self._plans.clear()
            return
        plan.settled = not changed
        self._surroundings = self.look() if changed else before
        if changed:  # what others have recorded may be no longer right
            self._plans = {key: each for key, each in self._plans.items() if each is plan}

    def wants_c(self, plan: PassPlan) -> bool:
        """Whether C is to be made of what is recorded next."""
        recorded = plan.first is not None if self.compile_after else plan.program is not None
        twin = self.shared(plan)
        made = plan.native is not None or (twin is not None and twin.native is not None)
        if not recorded or made or self.backend != "c" or self.in_python:
            return False
        self.in_python = self._without_room(plan)
        return not self.in_python

    def _without_room(self, plan: PassPlan) -> str:
        """Why there is no memory to make C in, empty if there is: all that was recorded is held at the same time."""
        available = available_memory()
        needed = int(_NEEDED * plan.program.nbytes) if plan.program else 0
        if available is None or self.sharers * needed <= available:
            return ""
        whose = f" in each of {self.sharers} ranks" if self.sharers > 1 else ""
        return f"making it takes about {needed >> 20} MB{whose}, and this machine has {available >> 20} MB free"

    def shared(self, plan: PassPlan) -> PassPlan | None:
        """The plan of another shard that has functions, in C if any is, and recorded the same; None without one."""
        for twin in sorted(self._twins(plan), key=lambda twin: twin.native is None):
            if twin.program and plan.program and not difference(twin.program, plan.program):
                return twin
        return None

    def _twins(self, plan: PassPlan) -> list[PassPlan]:
        """Plans with functions of other shards' batches of the same kind, if the shards exchange nothing."""
        twins = [each for each in self._plans.values() if each.kind == plan.kind and each is not plan]
        return [each for each in twins if each.first is not None and each.program and not each.program.communicates]

    def take_note(self, plan: PassPlan, program: Program) -> None:
        """Take note that a plan has got functions, in Python or in C."""
        plan.unverified = self.verify
        self._listed = self._listed or plan
        if plan is self._listed:
            self.listing = listing(program, plan.native)

    def give_up_c(self, plan: PassPlan, why: str) -> None:
        """Let this plan, and those that share its functions, be recorded once more, and go on in Python."""
        self.in_python, wrong = why, plan.native
        for each in self._plans.values():
            if each.native is wrong:
                each.native = each.first = each.second = None

    def refuse(self, why: str, forward: Forward) -> ShardPass:
        """Give up planning; the eager pass in place of a planned one."""
        self.refused = why
        self._plans.clear()
        return EagerPass(forward, self.store)

    def programs(self) -> list[Program]:
        """The programs recorded so far."""
        return [plan.program for plan in self._plans.values() if plan.program is not None]
