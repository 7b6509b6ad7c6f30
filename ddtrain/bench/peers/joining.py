"""How a peer joins a measurement: opened, warmed up, and seen to compute the same."""

from __future__ import annotations

from contextlib import ExitStack

from ddtrain.bench.peers import agreement, registry
from ddtrain.bench.peers.ddtrain_steps import Ours, ours
from ddtrain.bench.timing import Contestant
from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator


class Joins:
    """Lets peers join once they are seen to compute the same as ours, which has taken as many steps by then.

    On several ranks that is seen on each of them alone: there, peers divide the data otherwise, and do not share
    batch-norm's moments.
    """

    def __init__(self, comm: Communicator, name: str, workload: Workload, mine: Ours) -> None:
        self.comm, self.name, self.workload = comm, name, workload
        self.start, self.trail = agreement.copied(mine.tensors()), []
        if comm.size == 1:
            self.trail = agreement.trail(mine.step, mine)
        else:
            warm_up(mine.step)

    def opened(self, other: str, peer: registry.Peer, stack: ExitStack) -> Contestant:
        """The peer, warmed up. Collective.

        Raises
        ------
        CannotRun : it does not run here, or computes something else, on any rank; raised on all of them
        """
        if self.comm.size > 1:
            refusals = self.comm.exchange_objects(self._refusal_alone(other, peer))
            if any(refusals):
                raise registry.CannotRun(next(filter(None, refusals)))
        trainee = stack.enter_context(peer.open(self.comm, self.workload))
        if self.comm.size == 1:
            agreement.require(other, self.start, self.trail, agreement.trail(trainee, trainee))
        else:
            warm_up(trainee)
        return trainee

    def _refusal_alone(self, other: str, peer: registry.Peer) -> str:
        """Why the peer cannot join a rank that trains alone; empty if it can."""
        alone = LocalCommunicator()
        try:
            with ours(alone, self.name, self.workload) as mine, ExitStack() as stack:
                Joins(alone, self.name, self.workload, mine).opened(other, peer, stack)
        except registry.CannotRun as error:
            return str(error)
        return ""


def warm_up(step: Contestant) -> None:
    """Take as many steps as are compared."""
    for _ in range(agreement.STEPS):
        step()
