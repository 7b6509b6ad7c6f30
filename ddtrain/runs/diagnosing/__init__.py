"""``ddtrain diagnose``: a run's training loss looked at around its checkpoints, over ranks.

Read ``opened`` (a run, and a training step that any of its checkpoints can be put into), then ``training_loss`` (the
loss of some batches as a function of the weights); then any of ``layers_found``, ``curvature_found``,
``landscape_found`` and ``gradients_found``, which ask the instruments in ``ddtrain/diagnose`` and say what these have
found.
"""

from ddtrain.runs.diagnosing.curvature_found import curvature
from ddtrain.runs.diagnosing.gradients_found import gradients
from ddtrain.runs.diagnosing.landscape_found import landscape
from ddtrain.runs.diagnosing.layers_found import layers
from ddtrain.runs.diagnosing.opened import OpenedRun

__all__ = ["OpenedRun", "curvature", "gradients", "landscape", "layers"]
