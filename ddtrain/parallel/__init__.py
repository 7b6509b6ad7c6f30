"""Data parallelism: shards and the ranks that share them, buckets of the flat gradient, the reducer that sums them.

Read ``shards/shard_layout`` first (who computes what, and along which tree sums go up), then ``buckets``, ``reducer``
and ``bucket_sum``; beside them ``bucket_shares`` (who sums which part), ``gradient_norm`` and ``totals_reducer``.
``hooks/`` are the ways across nodes, ``collectives/`` what is exchanged inside the model. ``replica_check`` compares
ranks before a run; ``node_counters`` says who uses which counter of a node.
"""

from ddtrain.parallel.buckets import Bucket, make_buckets
from ddtrain.parallel.collectives.small_collectives import SmallCollectives, make_small_collectives
from ddtrain.parallel.hooks import HOOKS, make_hook
from ddtrain.parallel.reducer import Reducer, alloc_rows
from ddtrain.parallel.replica_check import verify_replicas
from ddtrain.parallel.shards.accumulator import Accumulator
from ddtrain.parallel.shards.shard_layout import ShardLayout, make_shard_layout
from ddtrain.parallel.shards.shard_runner import ShardRunner
from ddtrain.parallel.totals_reducer import TotalsReducer

__all__ = [
    "HOOKS",
    "Accumulator",
    "Bucket",
    "Reducer",
    "ShardLayout",
    "ShardRunner",
    "SmallCollectives",
    "TotalsReducer",
    "alloc_rows",
    "make_buckets",
    "make_hook",
    "make_shard_layout",
    "make_small_collectives",
    "verify_replicas",
]
