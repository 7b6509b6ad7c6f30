"""Data parallelism: shards and the ranks that share them, buckets of the flat gradient, the reducer that sums them."""

from ddtrain.parallel.accumulator import Accumulator
from ddtrain.parallel.buckets import Bucket, make_buckets
from ddtrain.parallel.hooks import HOOKS, make_hook
from ddtrain.parallel.reducer import Reducer, alloc_rows
from ddtrain.parallel.replica_check import verify_replicas
from ddtrain.parallel.shard_layout import Place, find_place
from ddtrain.parallel.shard_runner import Shards
from ddtrain.parallel.small_collectives import Collectives, nearby

__all__ = [
    "HOOKS",
    "Accumulator",
    "Bucket",
    "Collectives",
    "Place",
    "Reducer",
    "Shards",
    "alloc_rows",
    "find_place",
    "make_buckets",
    "make_hook",
    "nearby",
    "verify_replicas",
]
