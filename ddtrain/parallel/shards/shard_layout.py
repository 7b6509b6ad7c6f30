"""Which shards each rank computes, and the tree along which sums are added: on the rank, in its node, across nodes.

Note [Shards]
A run's numbers are those of its V shards, not of its P ranks. Each global batch is cut into V shards, always at the
same places, and each shard is computed by itself, at the same shapes on any rank; what is summed over shards
(gradients, batch-norm's moments, losses, metrics) is summed along one tree (Note [Tree order] in
``comm/reduction_tree.py``). P ranks share the shards, P at most V. So the result has the same bits for every P. Unless
the run says otherwise, each rank is a shard.
"""

# V shards, P ranks

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ddtrain.comm.protocol import Array, Communicator, Node
from ddtrain.comm.reduction_tree import Blocks, ReductionTree, cover, fold
from ddtrain.errors import UsageError
from ddtrain.partition import part_bounds


@dataclass(frozen=True)
class ShardLayout:
    """One rank's shards, and the order of its sums.

    A *block* is a subtree of shards (``comm/reduction_tree.py``); a rank or a node has a row for each of its blocks.

    Attributes
    ----------
    count : shards of the run, V
    shards : the shards of this rank
    blocks : the subtrees that this rank's shards form
    rank_tree : which rank holds which subtrees
    node_blocks : the subtrees of all ranks of this node
    block_owners : for each of ``node_blocks``, the local rank that holds it, and in which row
    reduced_blocks : the larger subtrees that the node sums ``node_blocks`` to
    node_tree : which node holds which subtrees
    columns : how many ranks of each node (the first ones) take part in exchanges across nodes
    shards_by_rank : the shards of every rank

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> comm = LocalCommunicator()
    >>> layout = make_shard_layout(comm, comm.split_nodes(), shards=3)
    >>> layout.shards, layout.block_sums([np.array([1.0]), np.array([2.0]), np.array([4.0])])
    (range(0, 3), [array([7.])])
    """

    count: int
    shards: range
    blocks: Blocks
    rank_tree: ReductionTree
    node_blocks: Blocks
    block_owners: tuple[tuple[int, int], ...]
    reduced_blocks: Blocks
    node_tree: ReductionTree
    columns: int
    shards_by_rank: tuple[range, ...]

    def block_sums(self, rows: Sequence[Array]) -> list[Array]:
        """The sum of each of this rank's blocks, given one vector for each of its shards."""
        leaves = tuple((shard, shard + 1) for shard in self.shards)
        sums = [np.empty_like(rows[0]) for _ in self.blocks]
        for block, sum_n in zip(self.blocks, sums, strict=True):
            fold(leaves, rows, block, sum_n)
        return sums


def make_shard_layout(comm: Communicator, node: Node, shards: int = 0, shards_per_rank: int = 1) -> ShardLayout:
    """Divide ``shards`` shards among the ranks; if it is 0, ``shards_per_rank`` for each rank. Collective.

    Consecutive shards go to the same node, whatever the order of ranks. If ``shards`` is given, all sums follow the
    tree over the shards, and the result does not depend on the number of ranks. Otherwise each rank and then each node
    finishes its own sum, so that only one row for each node crosses the network, and the result depends on it.

    Raises
    ------
    UsageError : more ranks than shards

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> comm = LocalCommunicator()
    >>> make_shard_layout(comm, comm.split_nodes(), 4).blocks
    ((0, 4),)
    """
    size, nodes = comm.size, len(node.sizes)
    count = shards or size * shards_per_rank
    if count < size:
        raise UsageError(
            f"--run.shards {count} is less than the {size} ranks that share them",
            remedy=f"Give at least {size}, or start fewer ranks.",
        )
    # position of each node's first rank, in the order of nodes
    starts = [sum(node.sizes[:k]) for k in range(nodes + 1)]
    positions = [starts[index] + local for index, local in comm.exchange_objects([node.index, node.rank])]
    by_position = [part_bounds(count, position, size) for position in range(size)]
    mine = by_position[starts[node.index] + node.rank]
    covers = [cover(*span, count) if shards else (span,) for span in by_position]
    here = covers[starts[node.index] : starts[node.index + 1]]
    if shards:
        spans = [(by_position[starts[k]][0], by_position[starts[k + 1] - 1][1]) for k in range(nodes)]
        rank_tree = ReductionTree(count, tuple(covers[position] for position in positions))
        node_tree = ReductionTree(count, tuple(cover(*span, count) for span in spans))
        node_blocks, reduced_blocks = here, node_tree.blocks[node.index]
    else:
        rank_tree, node_tree = _leaf_each(positions), ReductionTree.of_ranks(nodes)
        node_blocks, reduced_blocks = [((k, k + 1),) for k in range(node.size)], ((0, node.size),)
    return ShardLayout(
        count=count,
        shards=range(*mine),
        blocks=covers[starts[node.index] + node.rank],
        rank_tree=rank_tree,
        node_blocks=sum(node_blocks, ()),
        block_owners=tuple((local, row) for local, blocks in enumerate(node_blocks) for row in range(len(blocks))),
        reduced_blocks=reduced_blocks,
        node_tree=node_tree,
        columns=min(node.sizes),
        shards_by_rank=tuple(range(*by_position[position]) for position in positions),
    )


def _leaf_each(positions: Sequence[int]) -> ReductionTree:
    """One leaf for each rank, in the order of their positions."""
    return ReductionTree(len(positions), tuple(((position, position + 1),) for position in positions))
