"""Around the training: a call that returns, and runs that can be opened.

Read ``fitting`` (the call), then ``run`` (what a run's directory says) and ``history`` (its figures as arrays).
"""

from ddtrain.runs.fitting import fit
from ddtrain.runs.history import History
from ddtrain.runs.run import Run

__all__ = ["History", "Run", "fit"]
