"""A run's shards: who computes which (``shard_layout``), how a rank computes its own (``shard_runner``; ``shard_round``
and ``shard_threads`` where they exchange something), and how their gradients are added up (``accumulator``).
"""
