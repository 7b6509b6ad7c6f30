"""Around the training: a call that returns, and runs that can be opened.

Read ``fitting`` (the call), then ``run`` (what a run's directory says) and ``history`` (its figures as arrays). What is
said of a run is in ``overview``, with ``differences`` (options that are not the usual ones) and ``quantities`` (figures
that belong together); ``following`` follows one that goes on, and ``pictures`` draws with matplotlib.

``predicting`` and ``evaluating`` are what a model says of other samples, and how well; ``run_predictions`` is that of a
run and a file, which ``sample_files`` reads, and ``run_export`` is the model of a run for other programs.
``diagnosing/`` looks into the loss around a run's checkpoints.
"""

from ddtrain.runs.evaluating import evaluate
from ddtrain.runs.fitting import fit
from ddtrain.runs.history import History
from ddtrain.runs.predicting import predict
from ddtrain.runs.run import Run

__all__ = ["History", "Run", "evaluate", "fit", "predict"]
