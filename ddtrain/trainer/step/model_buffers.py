"""How the values that each shard's forward pass leaves in a model's buffers become one value for all shards.

Note [One value of a buffer]
Every shard begins a step with the same values, and its forward pass sets new ones (``Module.update``). How these
become one is declared with the buffer, ``nn.buffer(..., reduce=...)``:

    same  all shards must leave the same bits, as synchronised batch-norm does; this is checked
    mean  over the shards, each weighted by its samples
    sum   the old value, plus what each shard has added to it
    rows  each row as the one shard has left it that has changed it

Means and sums are of float64, along the run's tree, like all sums over shards; so buffers, too, have the same bits at
any number of ranks. Rows are sums as well: all shards but one add zeros, beside a count of who has changed the row.
Buffers travel with the totals of the step, ahead of the backward pass, at the cost of their numbers.

Note [Equal or not]
Whether V numbers are equal can be told from two sums: with h a hash of what a shard left, V Σ h² = (Σ h)² if and only
if all h are equal. The hashes are of 18 bits, so that the sums are exact in float64 for any V below 2^17, in any order.
They begin with the number of the step: a rank that has left one out is noticed, too.
"""

# V shards, K shards on this rank, R rows of a buffer

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args
from zlib import crc32

import numpy as np

from ddtrain.comm.differing_ranks import find_odd_ranks, in_words
from ddtrain.comm.protocol import Array, Communicator
from ddtrain.errors import ReplicaError
from ddtrain.nn.declarations import Declaration, Rule
from ddtrain.parallel import ShardLayout

_HASH = (1 << 18) - 1  # Note [Equal or not]


class ModelBuffers:
    """The buffers of one rank's replica, and what its shards contribute to them in a step.

    Parameters
    ----------
    declarations : the model's, by path
    state : the values that all shards begin the next step with, by path
    comm : used to find the shard that differs, if one does

    Attributes
    ----------
    size : how many numbers a shard adds to the totals; 0 if there is one shard only
    """

    def __init__(
        self,
        declarations: Mapping[str, Declaration],
        state: Mapping[str, Array],
        layout: ShardLayout,
        comm: Communicator,
    ) -> None:
        self._state, self._layout, self._comm = state, layout, comm
        rules: dict[str, list[str]] = {rule: [] for rule in get_args(Rule)}
        for name in state:
            rules[declarations[name].reduce].append(name)
        self._same, self._mean, self._sum, self._rows = rules.values()
        self._summed = [*self._mean, *self._sum]
        numbers = sum(state[name].size for name in self._summed)
        numbers += sum(len(state[name]) + state[name].size for name in self._rows)
        self.size = 2 + numbers if layout.count > 1 else 0

    def contribution(self, left: Mapping[str, Any], step: int, samples: int) -> Array:
        """What a shard adds to the totals: its hash and its square, then the numbers of means, sums and rows.

        Parameters
        ----------
        left : the new values, by path, of buffers that the forward pass has replaced
        samples : number of samples of the shard
        """
        row, known = np.zeros(self.size), crc32(b"%d" % step)
        for name in self._same:
            known = crc32(self._bytes(left, name), known)
        row[0] = known & _HASH
        row[1] = row[0] * row[0]
        at = 2
        for name in self._summed:
            old = self._state[name]
            # a mean over no samples is undefined, and must not enter the mean of the shards
            if samples or name in self._sum:
                part = row[at : at + old.size].reshape(old.shape)
                part[...] = left.get(name, old)
                part[...] = part * samples if name in self._mean else part - old
            at += old.size
        for name in self._rows:
            old = self._state[name]
            new, (changed_R, values) = np.asarray(left.get(name, old), old.dtype), _in_rows(row[at:], old)
            same = (new == old) | (np.isnan(new) & np.isnan(old))
            changed_R[...] = ~same.all(axis=tuple(range(1, old.ndim)))
            values[changed_R == 1] = new[changed_R == 1]
            at += len(old) + old.size
        return row

    def reduced(self, totals: Array, lefts: Sequence[Mapping[str, Any]], step: int, samples: int) -> dict[str, Any]:
        """The new value of each buffer, from the sum of all shards' rows. Collective where they disagree.

        Parameters
        ----------
        lefts : the new values of each of this rank's shards, as in :meth:`contribution`
        samples : number of samples of all shards

        Raises
        ------
        ReplicaError : shards left different values of a buffer that is declared to be the same on all, or several have
            changed one row
        """
        if not self.size:
            return dict(lefts[0])
        if self._layout.count * totals[1] != totals[0] * totals[0]:
            self._complain(lefts, step)
        new, at = {name: lefts[0][name] for name in self._same if name in lefts[0]}, 2
        for name in self._summed:
            old = self._state[name]
            part = totals[at : at + old.size].reshape(old.shape)
            new[name] = part / max(1, samples) if name in self._mean else old + part
            at += old.size
        for name in self._rows:
            old = self._state[name]
            changed_R, values = _in_rows(totals[at:], old)
            if (changed_R > 1).any():
                raise ReplicaError(
                    f"buffer {name}: several shards have changed row {np.argmax(changed_R > 1)}", remedy=_ROWS
                )
            new[name] = old.copy()
            new[name][changed_R == 1] = values[changed_R == 1]
            at += len(old) + old.size
        return new

    def _bytes(self, left: Mapping[str, Any], name: str) -> bytes:
        old = self._state[name]
        return np.asarray(left.get(name, old), old.dtype).tobytes()

    def _complain(self, lefts: Sequence[Mapping[str, Any]], step: int) -> None:
        """Raise an error naming the first buffer that differs, and the ranks whose shards differ from most."""
        mine = [[crc32(self._bytes(left, name)) for left in lefts] for name in self._same]
        everybody = self._comm.exchange_objects([step, mine])
        steps = [of_rank for of_rank, _ in everybody]
        if len(set(steps)) > 1:
            raise ReplicaError(f"ranks are not at the same step: {', '.join(f'{step + 1}' for step in steps)}")
        for k, name in enumerate(self._same):
            hashes = {
                shard: found
                for held, (_, of_rank) in zip(self._layout.shards_by_rank, everybody, strict=True)
                for shard, found in zip(held, of_rank[k], strict=True)
            }
            shards = sorted(hashes)
            odd = find_odd_ranks([hashes[shard] for shard in shards], shards).odd
            if odd:
                raise ReplicaError(f"buffer {name}: {self._where(odd)}", remedy=_REMEDY)

    def _where(self, odd: Sequence[int]) -> str:
        owners = [rank for rank, held in enumerate(self._layout.shards_by_rank) if not set(odd).isdisjoint(held)]
        shards = f" (shards {', '.join(map(str, odd))})" if self._layout.count != self._comm.size else ""
        return (
            f"{in_words(owners)}{shards} left another value than the other shards, but it is declared the same on all"
        )


def _in_rows(vector: Array, old: Array) -> tuple[Array, Array]:
    """How often each row of a buffer was changed, and the new rows, as views of the beginning of a vector."""
    count = len(old)
    return vector[:count], vector[count : count + old.size].reshape(old.shape)


_REMEDY = "Declare how it is made one: nn.buffer(..., reduce='mean') or 'sum'; or compute it with ops.allreduce."
_ROWS = "With reduce='rows', let each sample of a batch change a row of its own."
