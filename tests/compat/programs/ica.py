"""Independent components by maximum likelihood with a learned unmixing matrix."""

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import value_and_grad
from autograd.misc.optimizers import rmsprop, sgd


def make_ica_funs(data, n):
    def log_likelihood(flat_weights):
        unmixing = np.reshape(flat_weights, (n, n))
        sources = np.dot(data, unmixing.T)
        log_density = -np.sum(np.log(np.cosh(sources)), axis=1) - n * np.log(np.pi)
        return np.mean(log_density) + np.linalg.slogdet(unmixing)[1]

    return lambda w, i: -value_and_grad(log_likelihood)(w)[1], log_likelihood


def run():
    rs = npr.RandomState(1)
    sources = rs.standard_t(3, (60, 3))
    data = np.dot(sources, rs.randn(3, 3))
    gradient, log_likelihood = make_ica_funs(data, 3)
    start = np.eye(3).ravel()
    after_sgd = sgd(gradient, start, num_iters=20, step_size=0.05)
    after_rmsprop = rmsprop(gradient, start, num_iters=10, step_size=0.01)
    return {
        "start": log_likelihood(start),
        "sgd": log_likelihood(after_sgd),
        "unmixing": after_sgd,
        "rmsprop": after_rmsprop,
    }
