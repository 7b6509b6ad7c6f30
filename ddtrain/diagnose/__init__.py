"""Finding out what went wrong in a run, and what a model is made of.

``check_gradients`` compares a step's gradient with finite differences, ``nonfinite`` names the operation at which NaN
or infinity came up; ``protocol`` says what both need to know of a step. ``layer_table`` is ``ddtrain.summary``, made of
``layer_calls`` and ``multiply_adds``.
"""

from ddtrain.diagnose.check_gradients import GradientCheck, check_gradients
from ddtrain.diagnose.nonfinite import CheckedTape, count_nonfinite, locate_nonfinite, require_finite

__all__ = ["CheckedTape", "GradientCheck", "check_gradients", "count_nonfinite", "locate_nonfinite", "require_finite"]
