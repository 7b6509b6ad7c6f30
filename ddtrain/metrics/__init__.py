"""Figures of all samples of a data set together: those that are no means of one number a sample.

Each is a function of the outputs and the targets of all samples, for ``Task(report=...)`` or to be called by hand. Read
``classes`` (confusion matrix and what follows from it), then ``scores`` (what also depends on how sure the outputs are)
and ``regression``; ``arguments`` checks what they are given.
"""

from ddtrain.metrics.classes import confusion_matrix, f1, precision, recall
from ddtrain.metrics.regression import r2
from ddtrain.metrics.scores import auc, calibration_error, top_k

__all__ = ["auc", "calibration_error", "confusion_matrix", "f1", "precision", "r2", "recall", "top_k"]
