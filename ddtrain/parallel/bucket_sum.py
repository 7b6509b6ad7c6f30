"""The sum of one bucket over all ranks: first in the node's memory, then across nodes by the hook.

Note [Node reduction]
Within a node nothing is sent. Each rank's gradients lie in memory that all of its node can read, and a counter tells
how many of its buckets are complete. Once a bucket is complete on all of them, each rank sums its share of it over
all ranks' rows, into its own row, where no other rank reads that share. Then it exchanges the sum with its column, the
ranks of the same local rank on the other nodes. So a rank ends up with the sum over all ranks of its share of the
vector, ``spans``, and updates that share of the parameters. A row may be written again once the step's control has
come: by then all ranks have summed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.comm.protocol import Node, Work
from ddtrain.comm.reduction_tree import fold
from ddtrain.parallel.bucket_shares import BucketShares
from ddtrain.parallel.hooks import Hook, make_grad_bucket
from ddtrain.parallel.hooks.reduce_scatter import ReduceScatterSum
from ddtrain.parallel.shards.shard_layout import ShardLayout

Array = NDArray[Any]
# each parameter's slice of the flat vector, and its shape
Parameters = tuple[Sequence[slice], Sequence[tuple[int, ...]]]


class BucketSum:
    """Sums this rank's share of any bucket. Making one is collective.

    Parameters
    ----------
    rows : gradient rows by local rank, see ``Reducer``
    hook : sums the share over nodes, if each node sends one row and sums are not scattered
    parameters : spans and shapes of the parameters, for hooks that need them

    Attributes
    ----------
    hook : the hook in use
    """

    def __init__(
        self,
        rows: Sequence[Array],
        shares: BucketShares,
        node: Node,
        layout: ShardLayout,
        hook: Hook,
        parameters: Parameters,
    ) -> None:
        self.hook: Hook = ReduceScatterSum(shares.scattered) if shares.kept_by_node else hook
        self._layout, self._column = layout, node.column
        own = rows[node.rank][0]
        self._shares = [make_grad_bucket(own, run, *parameters, index=index) for index, run in enumerate(shares.runs)]
        self._rows = [[rows[local][row][run] for local, row in layout.block_owners] for run in shares.runs]
        if node.column is not None:
            self.hook.connect(node.column)

    def begin(self, bucket: int) -> Work | None:
        """Sum this rank's share of a bucket over the node, and begin to sum it across nodes.

        All ranks of the node must have completed the bucket. Returns the pending work, if there is one.
        """
        share, layout, column = self._shares[bucket], self._layout, self._column
        if column is None or not share.gradients.size:
            return None
        sums = self._sum_over_node(self._rows[bucket], share.gradients)
        if column.size == 1:
            # A single node has nothing to compress; but its hook may still hold residuals from a run on more nodes.
            return None if self.hook.exact else self.hook(share, column)
        if len(layout.node_tree.rows) == column.size:  # every node has exactly one row, so the hook can sum them
            return self.hook(share, column)
        nbytes = share.gradients.nbytes
        # A rank sends slices of each of its rows to the others, and then its slice of the sum.
        sent = len(sums) * nbytes * (column.size - 1) // column.size
        sent += nbytes * (column.size - 1) // column.size
        self.hook.bytes_sent += sent
        self.hook.bytes_exact += sent
        return column.isum(sums, layout.node_tree, share.gradients)

    def _sum_over_node(self, rows: Sequence[Array], out: Array) -> Sequence[Array]:
        """The node's rows: a sum for each subtree of the node, in ``out`` if there is only one."""
        layout = self._layout
        if layout.reduced_blocks == layout.node_blocks:  # a single rank a node: its own rows are already the node's
            return rows
        if len(layout.reduced_blocks) == 1:
            fold(layout.node_blocks, rows, layout.reduced_blocks[0], out)
            return [out]
        # new arrays, because no row may be overwritten before all sums are made
        sums = [np.empty_like(out) for _ in layout.reduced_blocks]
        for block, sum_n in zip(layout.reduced_blocks, sums, strict=True):
            fold(layout.node_blocks, rows, block, sum_n)
        return sums
