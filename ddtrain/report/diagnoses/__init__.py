"""Pages on what ``ddtrain diagnose`` has found: ``landscape`` (contours, or a line), ``curvature`` (a spectrum)."""

from ddtrain.report.diagnoses.curvature import write_curvature
from ddtrain.report.diagnoses.landscape import write_landscape

__all__ = ["write_curvature", "write_landscape"]
