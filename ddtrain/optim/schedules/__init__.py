"""Learning rates as pure functions of the step, with a linear warm-up before any of them.

A schedule is a multiplier of the base rate: ``decay(t)`` for t steps after the warm-up, 1 at t = 0. Only the
plateau keeps state, fed by evaluations and saved in checkpoints; all others depend on the step alone.

Read ``protocol`` (what a schedule is) and ``learning_rate`` (one at work); every other module is a schedule, its
formula and its options: ``constant step exponential inverse polynomial cosine cyclic one_cycle plateau``.
"""

from ddtrain.optim.schedules.constant import Constant
from ddtrain.optim.schedules.cosine import Cosine, CosineRestarts
from ddtrain.optim.schedules.cyclic import Cyclic
from ddtrain.optim.schedules.exponential import Exponential
from ddtrain.optim.schedules.inverse import Inverse
from ddtrain.optim.schedules.learning_rate import LearningRate, make
from ddtrain.optim.schedules.one_cycle import OneCycle
from ddtrain.optim.schedules.plateau import Plateau, ReduceOnPlateau
from ddtrain.optim.schedules.polynomial import Polynomial
from ddtrain.optim.schedules.protocol import Decay, Schedule
from ddtrain.optim.schedules.step import MultiStep, Step

SCHEDULES = Schedule.parts  # all schedules by name; ``register`` adds one

__all__ = [
    "Constant", "Cosine", "CosineRestarts", "Cyclic", "Decay", "Exponential", "Inverse", "LearningRate", "MultiStep",
    "OneCycle", "Plateau", "Polynomial", "ReduceOnPlateau", "SCHEDULES", "Schedule", "Step", "make",
]  # fmt: skip
