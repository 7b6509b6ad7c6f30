"""Averages of the weights over the steps of a run, kept beside them: ``ema`` and ``swa``, or ``none``.

Read ``protocol`` (what an average is), then ``averaging_optimizer`` (one at work).

To add one, write ``optim/averages/<name>.py`` and import it here.
"""

from ddtrain.optim.averages.ema import Ema
from ddtrain.optim.averages.none import NoAverage
from ddtrain.optim.averages.protocol import AVERAGE, Average, WeightAverage
from ddtrain.optim.averages.swa import Swa

__all__ = ["AVERAGE", "Average", "Ema", "NoAverage", "Swa", "WeightAverage"]
