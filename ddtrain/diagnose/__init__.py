"""Finding out what went wrong in a run."""

from ddtrain.diagnose.nonfinite import CheckedTape

__all__ = ["CheckedTape"]
