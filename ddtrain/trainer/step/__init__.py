"""One training step: ``train_step`` reads in the order of execution; ``setup`` builds it from a configuration.

``forward_pass`` is the loss as a function of the model's values, ``passes/`` runs it forward and back, traced or by a
plan, and ``gradient_buffer`` is where a step's gradients go.
``totals`` is what is summed over samples (from each ``loss_output``), ``model_buffers`` what becomes of running
statistics, ``totals_exchange`` sums both over all shards. ``coordinator`` is rank 0's decision and ``step_control`` how
it is told to all. ``trial_passes`` update nothing: the loss at other values, and products with the Hessian;
``method_checks`` say before the first step what methods that take them cannot work with. ``sharded_optimizer`` updates
a node's share. ``step_timer`` says where the seconds go, and ``timeline`` when.
"""

from ddtrain.trainer.step.coordinator import Coordinator
from ddtrain.trainer.step.train_step import TrainStep

__all__ = ["Coordinator", "TrainStep"]
