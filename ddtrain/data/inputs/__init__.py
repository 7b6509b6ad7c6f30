"""Inputs before they reach a model: standardised or whitened, by what a data set is like over all ranks.

Read ``moments`` (mean and spread in one pass, with the same bits on any number of ranks), then ``standardize`` and
``whiten``: each is fitted to a data set, applied to batches, and stored as a few arrays beside the model. ``balance``
counts classes, and weighs them.
"""

from ddtrain.data.inputs.balance import class_counts, class_weights
from ddtrain.data.inputs.moments import Moments, merge, moments
from ddtrain.data.inputs.standardize import Standardize
from ddtrain.data.inputs.whiten import Whiten

__all__ = ["Moments", "Standardize", "Whiten", "class_counts", "class_weights", "merge", "moments"]
