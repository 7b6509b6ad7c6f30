"""What watches a run: classes of five events, which see figures and change none.

Read ``callback`` (the events, and what a callback may see), then ``csv_log``, the plainest, and ``time_limit``, which
stops a run. ``tensorboard`` has figures, ``layer_norms`` what parameters are like, ``activations``, ``pictures`` and
``curvature`` what the model and its loss make of ``some_samples``. ``json_lines`` and ``sample_pictures`` are the files
that these write, ``remarks`` what they say. A run has the callbacks that ``--log.to`` names, and those that a script
gives; ``examples/callbacks`` has MLflow and W&B.
"""

from ddtrain import part_calls
from ddtrain.callbacks.activations import Activations
from ddtrain.callbacks.callback import Callback, Norms, Watched
from ddtrain.callbacks.csv_log import CsvLog
from ddtrain.callbacks.curvature import Curvature
from ddtrain.callbacks.layer_norms import LayerNorms
from ddtrain.callbacks.pictures import Pictures
from ddtrain.callbacks.tensorboard import TensorBoard
from ddtrain.callbacks.time_limit import TimeLimit


def parse(text: str) -> list[Callback]:
    """The callbacks that a text names, as calls; see :func:`ddtrain.part_calls.parse`.

    Raises
    ------
    UsageError : the text names none, an option is out of range, or a package is missing

    >>> parse("csv, time_limit(minutes=5)")
    [CsvLog(name='csv'), TimeLimit(name='time_limit', minutes=5.0)]
    """
    named = part_calls.parse(Callback, [text], "--log.to", "csv, time_limit(minutes=55)")
    for callback in named:
        callback.require()
    return named


__all__ = [
    "Activations", "Callback", "CsvLog", "Curvature", "LayerNorms", "Norms", "Pictures", "TensorBoard", "TimeLimit",
    "Watched", "parse",
]  # fmt: skip
