"""Data parallelism: shards and the ranks that share them, buckets of the flat gradient, the reducer that sums them."""

from ddtrain.parallel.accumulate import Accumulator
from ddtrain.parallel.buckets import Bucket, make_buckets
from ddtrain.parallel.hooks import HOOKS, make_hook
from ddtrain.parallel.nearby import Collectives, nearby
from ddtrain.parallel.place import Place, find_place
from ddtrain.parallel.reducer import Reducer, alloc_rows
from ddtrain.parallel.shards import Shards
from ddtrain.parallel.verify import verify_replicas

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
