"""Expected states of a hidden Markov model as gradients of its log partition function."""

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import grad, value_and_grad
from autograd.scipy.special import logsumexp


def log_partition_function(natural_params, data):
    if isinstance(data, list):
        return sum(log_partition_function(natural_params, sequence) for sequence in data)
    log_pi, log_A, log_B = natural_params
    log_alpha = log_pi
    for y in data:
        log_alpha = logsumexp(log_alpha[:, None] + log_A, axis=0) + log_B[:, y]
    return logsumexp(log_alpha)


def log_normalise(x):
    return x - logsumexp(x, axis=-1, keepdims=True)


def run():
    rs = npr.RandomState(0)
    sequences = [rs.randint(0, 4, 7), rs.randint(0, 4, 5)]
    params = (log_normalise(rs.randn(3)), log_normalise(rs.randn(3, 3)), log_normalise(rs.randn(3, 4)))
    value, expected_counts = value_and_grad(log_partition_function)(params, sequences)
    for _ in range(3):  # expectation maximisation: normalised expected counts
        counts = grad(log_partition_function)(params, sequences)
        params = tuple(log_normalise(np.log(c + 1e-3)) for c in counts)
    return {
        "value": value,
        "initial": expected_counts[0],
        "transitions": expected_counts[1],
        "emissions": expected_counts[2],
        "after": log_partition_function(params, sequences),
    }
