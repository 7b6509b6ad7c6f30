"""State that only one rank has: gathered when a checkpoint is saved, and given back when a run is resumed.

Names say what becomes of an array if the run is resumed on other ranks, or with the vectors divided differently:

    sum.NAME    as long as the parameters: what this rank has yet to add to sums over ranks; the total is preserved
    mean.NAME   as long as the parameters: this node's values; all nodes get the mean over nodes
    own.NAME    of any shape: dropped

Of the first two, a rank holds only its own spans; other ranks hold the rest of the vector. In a checkpoint the
names begin with the rank, ``3/sum.residual``, and the rank's spans are saved beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ddtrain.comm.protocol import Array
from ddtrain.trainer.checkpoint import writer
from ddtrain.trainer.modes import Sync
from ddtrain.trainer.step.sharded_optimizer import pack, unpack

_SPANS = "spans"


def gather(mode: Sync) -> dict[str, Array]:
    """All ranks' memory, on rank 0; nothing on the others, or if no rank has any. Collective."""
    comm, spans = mode.train_step.comm, mode.train_step.reducer.spans
    mine = {name: _packed(name, x, spans) for name, x in _memory(mode).items()}
    if not any(comm.exchange_objects(len(mine))):
        return {}
    mine[_SPANS] = np.array([[span.start, span.stop] for span in spans], np.int64).reshape(-1, 2)
    return writer.gather(comm, mine)


def restore(mode: Sync, saved: Mapping[str, Array], same: bool) -> str:
    """Restore this rank's memory: its own, or its part of that of all former ranks. Collective.

    Parameters
    ----------
    saved : what :func:`gather` made, on every rank
    same : whether mode, hook and the hook's buckets are those of the saved run

    Returns
    -------
    A line about what could not be restored exactly; empty if everything was.
    """
    comm, hook, spans = mode.train_step.comm, mode.train_step.reducer.hook, mode.train_step.reducer.spans
    if not saved:
        mode.load_rank_state({}, exactly=False)
        return ""
    ranks = 1 + max(int(name.partition("/")[0]) for name in saved)
    fits = ranks == comm.size and _spans(saved, comm.rank) == spans
    n = mode.train_step.store.values.size
    if all(comm.exchange_objects(bool(same and fits))):
        memory = {name: _whole(saved, comm.rank, name, n) for name in _names(saved, comm.rank)}
        prefix = "hook."
        hook.load_state_dict({name.split(prefix)[1]: x for name, x in memory.items() if prefix in name})
        mode.load_rank_state({name: x for name, x in memory.items() if prefix not in name}, exactly=True)
        return ""
    owed, kept = np.zeros(n, mode.train_step.store.dtype), hook.unsent() is not None
    for rank in range(ranks):
        for name in _names(saved, rank):
            if name.startswith("sum."):
                owed += _whole(saved, rank, name, n)
    if kept:
        mine = np.zeros_like(owed)
        for span in spans if mode.train_step.node.index == 0 else []:
            mine[span] = owed[span]
        hook.set_unsent(mine)
    mode.load_rank_state(_means(saved, ranks, n) if same else {}, exactly=False)
    if not owed.any():
        return f"what {ranks} ranks remembered is taken up as the mean of their nodes" if same else ""
    fate = "is owed by the first node from here on" if kept else "is dropped, as sums are exact from here on"
    if kept and len(mode.train_step.node.sizes) == 1:
        fate = "is added to the first gradient, as there is one node from here on"
    return f"gradients that {ranks} ranks had not sent yet: their sum {fate}"


def _memory(mode: Sync) -> dict[str, Array]:
    hook = mode.train_step.reducer.hook
    of_hook = hook.state_dict()
    return {
        **{f"{'sum' if name in hook.residuals else 'own'}.hook.{name}": x for name, x in of_hook.items()},
        **mode.rank_state(),
    }


def _packed(name: str, x: Array, spans: list[slice]) -> Array:
    if name.startswith("own."):
        return x
    packed = np.empty(sum(span.stop - span.start for span in spans), x.dtype)
    pack(x, spans, packed)
    return packed


def _whole(saved: Mapping[str, Array], rank: int, name: str, n: int) -> Array:
    x = saved[f"{rank}/{name}"]
    if name.startswith("own."):
        return x
    whole = np.zeros(n, x.dtype)
    unpack(x, _spans(saved, rank), whole)
    return whole


def _means(saved: Mapping[str, Array], ranks: int, n: int) -> dict[str, Array]:
    """For each vector, the elementwise mean over the nodes that hold the element."""
    holders, sums = np.zeros(n), dict[str, Array]()
    for rank in range(ranks):
        for span in _spans(saved, rank):
            holders[span] += 1
        for name in _names(saved, rank):
            if name.startswith("mean."):
                whole = _whole(saved, rank, name, n)
                sums[name] = sums[name] + whole if name in sums else whole
    return {name: (total / np.maximum(holders, 1)).astype(total.dtype) for name, total in sums.items()}


def _spans(saved: Mapping[str, Array], rank: int) -> list[slice]:
    return [slice(int(first), int(last)) for first, last in saved[f"{rank}/{_SPANS}"]]


def _names(saved: Mapping[str, Array], rank: int) -> list[str]:
    prefix = f"{rank}/"
    return [name.removeprefix(prefix) for name in saved if name.startswith(prefix) and name != f"{prefix}{_SPANS}"]
