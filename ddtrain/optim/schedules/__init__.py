"""Learning rates as pure functions of the step, with a linear warm-up before any of them.

A schedule is a multiplier of the base rate: ``decay(t)`` at the time t after the warm-up, in steps or in epochs. Only
the plateau keeps state, fed by evaluations and saved in checkpoints; all others depend on the step alone.

Read ``protocol`` (what a schedule is), ``learning_rate`` (one at work) and ``run_length`` (whether it fits the run).
Each of ``constant step exponential inverse linear polynomial cosine cyclic one_cycle plateau`` is a schedule or two,
with formula and options; those of ``composed/`` are made of others.
"""

from ddtrain.optim.schedules.composed.chained import Chained
from ddtrain.optim.schedules.composed.sequential import Sequential
from ddtrain.optim.schedules.constant import Constant
from ddtrain.optim.schedules.cosine import Cosine, CosineRestarts
from ddtrain.optim.schedules.cyclic import Cyclic
from ddtrain.optim.schedules.exponential import Exponential
from ddtrain.optim.schedules.inverse import Inverse
from ddtrain.optim.schedules.learning_rate import LearningRate, make
from ddtrain.optim.schedules.linear import Linear
from ddtrain.optim.schedules.one_cycle import OneCycle
from ddtrain.optim.schedules.plateau import Plateau, ReduceOnPlateau
from ddtrain.optim.schedules.polynomial import Polynomial
from ddtrain.optim.schedules.protocol import Decay, Schedule, TimedSchedule
from ddtrain.optim.schedules.run_length import length_note
from ddtrain.optim.schedules.step import MultiStep, Step

SCHEDULES = Schedule.parts  # all schedules by name; ``register`` adds one

__all__ = [
    "Chained", "Constant", "Cosine", "CosineRestarts", "Cyclic", "Decay", "Exponential", "Inverse", "LearningRate",
    "Linear", "MultiStep", "OneCycle", "Plateau", "Polynomial", "ReduceOnPlateau", "SCHEDULES", "Schedule",
    "Sequential", "Step", "TimedSchedule", "length_note", "make",
]  # fmt: skip
