"""Learning to learn: trainings as functions that are differentiated themselves."""

from ddtrain.meta.unrolled_training import Hypergradient, UnrolledTraining

__all__ = ["Hypergradient", "UnrolledTraining"]
