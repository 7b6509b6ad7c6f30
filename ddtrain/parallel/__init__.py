"""Data parallelism: buckets of the flat gradient, the reducer that sums them, and the check that replicas agree."""

from ddtrain.parallel.buckets import Bucket, make_buckets
from ddtrain.parallel.hooks import exact_sum
from ddtrain.parallel.reducer import Reducer
from ddtrain.parallel.verify import verify_replicas

__all__ = ["Bucket", "Reducer", "exact_sum", "make_buckets", "verify_replicas"]
