"""Finding out what went wrong in a run.

``check_gradients`` compares a step's gradient with finite differences, ``nonfinite`` names the operation at which NaN
or infinity came up; ``protocol`` says what both need to know of a step.
"""

from ddtrain.diagnose.check_gradients import GradientCheck, check_gradients
from ddtrain.diagnose.nonfinite import CheckedTape, count_nonfinite, locate_nonfinite, require_finite

__all__ = ["CheckedTape", "GradientCheck", "check_gradients", "count_nonfinite", "locate_nonfinite", "require_finite"]
