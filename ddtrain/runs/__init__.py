"""Around the training: a call that returns, and runs that can be opened.

Read ``fitting`` (the call), then ``run`` (what a run's directory says) and ``history`` (its figures as arrays);
``predicting`` and ``evaluating`` are what a model says of other samples, and how well; ``run_predictions`` is that of a
run and a file, which ``sample_files`` reads.
"""

from ddtrain.runs.evaluating import evaluate
from ddtrain.runs.fitting import fit
from ddtrain.runs.history import History
from ddtrain.runs.predicting import predict
from ddtrain.runs.run import Run

__all__ = ["History", "Run", "evaluate", "fit", "predict"]
