"""The forward and backward pass of a shard, traced or planned.

Read ``shard_pass`` (what a pass is, and the eager one), ``watched_pass`` (one that looks at what the model's Python
changes), ``recorded_pass`` (an eager one that is written down), ``repeated_pass`` (one by its plan), ``verified_pass``
(both side by side), then ``shard_passes``, which chooses.
"""

from ddtrain.trainer.step.passes.shard_passes import ShardPasses

__all__ = ["ShardPasses"]
