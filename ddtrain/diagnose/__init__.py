"""Finding out what went wrong in a run."""

from ddtrain.diagnose.check_gradients import GradientCheck, check_gradients
from ddtrain.diagnose.nonfinite import CheckedTape, locate, require_finite

__all__ = ["CheckedTape", "GradientCheck", "check_gradients", "locate", "require_finite"]
