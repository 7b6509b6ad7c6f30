"""Where this rank stands: which shards are its own, and along which tree its sums go up, within its node and across.

Note [Shards]
A run's numbers are those of its V shards, not of its P ranks. Each global batch is cut into V shards, always at the
same places, and each shard is computed by itself, at the same shapes whoever does it; what is summed over shards
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
from ddtrain.comm.reduction_tree import Blocks, Tree, bounds, cover, fold
from ddtrain.errors import UsageError


@dataclass(frozen=True)
class Place:
    """One rank's shards, and the order of its sums.

    Attributes
    ----------
    count : shards of the run, V
    shards : this rank's
    blocks : the subtrees that they make up
    world : who holds which subtree, by rank
    inside, holders : the subtrees of all ranks of this node, and for each the local rank and row that hold it
    targets : the subtrees that the node makes of them
    across : who holds which subtree, by node
    carriers : local ranks that take part in what is exchanged across nodes, the first ones
    held : the shards of every rank, by rank
    """

    count: int
    shards: range
    blocks: Blocks
    world: Tree
    inside: Blocks
    holders: tuple[tuple[int, int], ...]
    targets: Blocks
    across: Tree
    carriers: int
    held: tuple[range, ...]

    def blocks_of(self, rows: Sequence[Array]) -> list[Array]:
        """A sum for each of this rank's subtrees, from a vector for each of its shards."""
        leaves = tuple((shard, shard + 1) for shard in self.shards)
        sums = [np.empty_like(rows[0]) for _ in self.blocks]
        for block, sum_n in zip(self.blocks, sums, strict=True):
            fold(leaves, rows, block, sum_n)
        return sums


def find_place(comm: Communicator, node: Node, shards: int = 0, each: int = 1) -> Place:
    """This rank's place among ``shards`` shards, or ``each`` a rank for 0. Collective.

    Consecutive shards go to one node, whatever the order of ranks. With so many a rank, sums are finished on the rank
    and then within the node, so that one row a node crosses the network; with ``shards`` the tree comes first.

    Raises
    ------
    UsageError : more ranks than shards

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> comm = LocalCommunicator()
    >>> find_place(comm, comm.split_nodes(), 4).blocks
    ((0, 4),)
    """
    size = comm.size
    count = shards or size * each
    if count < size:
        raise UsageError(
            f"--run.shards {count} is less than the {size} ranks that share them",
            remedy=f"Give at least {size}, or start fewer ranks.",
        )
    starts = [sum(node.sizes[:k]) for k in range(len(node.sizes) + 1)]  # positions, in the order of nodes
    positions = [starts[index] + local for index, local in comm.exchange_objects([node.index, node.rank])]
    by_position = [bounds(count, position, size) for position in range(size)]
    mine = by_position[starts[node.index] + node.rank]
    covers = [cover(*span, count) if shards else (span,) for span in by_position]
    here = covers[starts[node.index] : starts[node.index + 1]]
    nodes = len(node.sizes)
    if shards:
        spans = [(by_position[starts[k]][0], by_position[starts[k + 1] - 1][1]) for k in range(nodes)]
        across = Tree(count, tuple(cover(*span, count) for span in spans))
        inside, targets = here, across.blocks[node.index]
    else:
        across = Tree.ranks(nodes)
        inside, targets = [((k, k + 1),) for k in range(node.size)], ((0, node.size),)
    return Place(
        count=count,
        shards=range(*mine),
        blocks=covers[starts[node.index] + node.rank],
        world=Tree(count, tuple(covers[position] for position in positions)) if shards else _leaf_each(positions),
        inside=sum(inside, ()),
        holders=tuple((local, row) for local, blocks in enumerate(inside) for row in range(len(blocks))),
        targets=targets,
        across=across,
        carriers=min(node.sizes),
        held=tuple(range(*by_position[position]) for position in positions),
    )


def _leaf_each(positions: Sequence[int]) -> Tree:
    """A leaf a rank, in the order of their positions."""
    return Tree(len(positions), tuple(((position, position + 1),) for position in positions))
