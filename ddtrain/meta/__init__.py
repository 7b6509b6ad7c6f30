"""Learning to learn: trainings that are differentiated themselves, by their schedules and starts; learned optimizers.

Hypergradients: read ``updates`` (optimizers' formulas with derivatives), ``schedules`` (hyperparameters over the steps)
and ``kept_states`` (memory of 2 √T), then ``unrolled_training``. Learned optimizers: ``lstm_network`` (the network),
``problems`` (what it is learned for), ``lstm_training``, and ``learned`` (the result, as one of ``ddtrain.optim``).
Both work over ranks, by the samples of a training or by the problems of a round.
"""

from ddtrain.meta.learned import Learned
from ddtrain.meta.lstm_network import LstmNetwork
from ddtrain.meta.lstm_training import LstmTraining
from ddtrain.meta.problems import Family
from ddtrain.meta.unrolled_training import Hypergradient, UnrolledTraining

__all__ = ["Family", "Hypergradient", "Learned", "LstmNetwork", "LstmTraining", "UnrolledTraining"]
