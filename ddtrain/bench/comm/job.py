"""What each rank of ``bench comm`` measures: sums of one size by all ways, in turns, and the copies that bound them.

Note [Copy limit]
P ranks that share memory add vectors of n bytes fastest when each reads its share of all P vectors once and writes its
share of the sum once: n + n / P bytes a rank, all ranks at once. Moving memory takes the time of copying it, so the
limit is measured as a NumPy copy of half as many bytes (read once and written once) by every rank at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np

from ddtrain.bench.peers import registry as others
from ddtrain.bench.timing import Contestant, Turn, steps_in_a_turn, turn
from ddtrain.comm import Communicator
from ddtrain.comm.protocol import Array
from ddtrain.errors import ReplicaError
from ddtrain.parallel import Reducer, alloc_rows, make_buckets, make_shard_layout

_TURN_S = 0.02
_WARM_UP = 5
_FEWEST = 2  # the fewest sums in a turn

Sum = Callable[[Array], object]


class NodeSum:
    """Ours among ranks that share memory: what the reducer does with one bucket, until all ranks have the sum.

    Parameters
    ----------
    nbytes : of the bucket
    """

    def __init__(self, comm: Communicator, nbytes: int) -> None:
        count, dtype = nbytes // 4, np.dtype(np.float32)
        self.node = comm.split_nodes(nbytes)
        layout = make_shard_layout(comm, self.node)
        parts = alloc_rows(self.node, layout, count, dtype)
        buckets = make_buckets([slice(0, count)], 4, nbytes)
        self.reducer = Reducer(parts, buckets, self.node, layout, comm.progress)

    def __call__(self, buf: Array) -> None:
        self.reducer.start()
        self.reducer.ready(0)
        self.reducer.finish()
        self.reducer.wait_updated()


def run(
    comm: Communicator, sizes: Sequence[int], seconds: float, peers: str = "", ways: Sequence[str] = ()
) -> dict[str, dict[str, list[Turn]]]:
    """This rank's turns, by size and contestant. Collective.

    Parameters
    ----------
    sizes : bytes of the vector of float32 that is summed
    seconds : of each contestant at each size
    peers : whose sums to measure too, separated by commas: torch
    ways : the contestants, if not all
    """
    with ExitStack() as stack:
        sums = dict(_sums(comm))
        if "torch" in others.named(peers, ("torch",)):
            sums["gloo"] = stack.enter_context(_gloo(comm))
        return {str(nbytes): _by_turns(comm, sums, nbytes, seconds, ways) for nbytes in sizes}


def launch_seconds(comm: Communicator, times: int = 100) -> float:
    """Seconds to begin a sum of a few bytes, the median of some. Collective."""
    found = []
    for _ in range(times):
        began = perf_counter()
        work = comm.iallreduce(np.zeros(1, np.float32))
        found.append(perf_counter() - began)
        work.wait()
    return float(np.median(found))


def _sums(comm: Communicator) -> Mapping[str, Sum]:
    ways: dict[str, Sum] = {"messages": comm.allreduce}
    if comm.spec == "mpi":
        from ddtrain.comm.backends.mpi import baseline

        ways |= baseline.sums()
    return ways


def _gloo(comm: Communicator) -> Any:
    from ddtrain.bench.peers import pytorch

    return pytorch.gloo_sum(comm)


def _by_turns(
    comm: Communicator, sums: Mapping[str, Sum], nbytes: int, seconds: float, ways: Sequence[str]
) -> dict[str, list[Turn]]:
    ours = NodeSum(comm, nbytes)
    contestants = {"ours": _contestant(comm, "ours", ours, ours.reducer.grads, ours.reducer.spans)}
    for name, add in sums.items():
        contestants[name] = _contestant(comm, name, add, np.empty(nbytes // 4, np.float32))
    contestants["copy"] = _copy(nbytes, comm.size)
    contestants = {name: step for name, step in contestants.items() if name in ways or not ways}
    steps = {name: steps_in_a_turn(comm, step, _TURN_S, _WARM_UP, _FEWEST) for name, step in contestants.items()}
    found: dict[str, list[Turn]] = {name: [] for name in contestants}
    for _ in range(max(1, round(seconds / _TURN_S))):
        for name, step in contestants.items():
            found[name].append(turn(step, steps[name], comm.barrier))
    ours.node.close()
    return found


def _contestant(
    comm: Communicator, name: str, add: Sum, buf: Array, spans: Sequence[slice] = (slice(None),)
) -> Contestant:
    """A contestant that sums zeros over the ranks again and again, once its sum of ones was checked in ``spans``."""
    buf[...] = comm.rank + 1
    add(buf)
    wanted = comm.size * (comm.size + 1) / 2
    if not all((buf[span] == wanted).all() for span in spans):
        raise ReplicaError(f"{name}: sum of {buf.nbytes} bytes over {comm.size} ranks is wrong")
    comm.barrier()  # wait until no rank still reads the buffer that the next line overwrites
    buf[...] = 0

    def step() -> dict[str, float]:
        add(buf)
        return {}

    return step


def _copy(nbytes: int, ranks: int) -> Contestant:
    """See Note [Copy limit]."""
    count = max(1, (nbytes + nbytes // ranks) // 2 // 4)
    source, target = np.zeros(count, np.float32), np.empty(count, np.float32)
    source[...] = 0  # np.zeros maps all pages to one until they are written; writing makes them real

    def step() -> dict[str, float]:
        np.copyto(target, source)
        return {}

    return step
