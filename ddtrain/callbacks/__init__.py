"""What watches a run: classes of five events, which see figures and change none.

Read ``callback`` (the events, and what a callback may see), then ``csv_log``, the plainest. Others: ``tensorboard``,
``layer_norms``, ``activations``, ``pictures`` and ``time_limit``. A run has those that ``--log.to`` names, and those
that a script gives.
"""

from ddtrain import part_calls
from ddtrain.callbacks.callback import Callback, Norms, Watched
from ddtrain.callbacks.csv_log import CsvLog
from ddtrain.callbacks.time_limit import TimeLimit


def parse(text: str) -> list[Callback]:
    """The callbacks that a text names, as calls; see :func:`ddtrain.part_calls.parse`.

    >>> parse("csv, time_limit(minutes=5)")
    [CsvLog(name='csv'), TimeLimit(name='time_limit', minutes=5.0)]
    """
    return part_calls.parse(Callback, [text], "--log.to", "csv, time_limit(minutes=55)")


__all__ = ["Callback", "CsvLog", "Norms", "TimeLimit", "Watched", "parse"]
