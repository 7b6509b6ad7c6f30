"""Inputs before they reach a model: standardised or whitened, by what a data set is like over all ranks.

Read ``moments`` (mean and spread in one pass, with the same bits on any number of ranks), then ``standardize`` and
``whiten``: each is fitted to a data set, applied to batches, and stored as a few arrays beside the model. ``protocol``
is how an option names one of them, ``whiten(components=50)``, ``raw`` is none, and ``prepared`` what a run fits, stores
and takes up again. ``balance`` counts classes, and weighs them.

To add one, write ``data/inputs/<name>.py``, with a frozen dataclass of its options and ``@register``, and import it
here; a script of your own needs ``ddtrain.parts.register`` alone.
"""

from ddtrain.data.inputs.balance import class_counts, class_weights
from ddtrain.data.inputs.moments import Moments, merge, moments
from ddtrain.data.inputs.prepared import PreparedInputs
from ddtrain.data.inputs.protocol import Inputs, parse
from ddtrain.data.inputs.raw import Raw
from ddtrain.data.inputs.standardize import Standardize, Standardized
from ddtrain.data.inputs.whiten import Whiten, Whitened

INPUTS = Inputs.parts  # by name; ``register`` enters more

__all__ = [
    "INPUTS", "Inputs", "Moments", "PreparedInputs", "Raw", "Standardize", "Standardized", "Whiten", "Whitened",
    "class_counts", "class_weights", "merge", "moments", "parse",
]  # fmt: skip
