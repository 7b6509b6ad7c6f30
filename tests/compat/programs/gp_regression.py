"""Gaussian-process regression: hyperparameters by the gradient of the marginal likelihood."""

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import value_and_grad
from autograd.numpy.linalg import cholesky, solve
from autograd.scipy.stats import multivariate_normal as mvn


def rbf(params, x, xp):
    diffs = np.expand_dims(x / params["length"], 1) - np.expand_dims(xp / params["length"], 0)
    return np.exp(params["scale"]) * np.exp(-0.5 * np.sum(diffs**2, axis=2))


def log_marginal_by_hand(params, x, y):
    cov = rbf(params, x, x) + np.exp(params["noise"]) * np.eye(len(y))
    chol = cholesky(cov)
    white = solve(chol, y - params["mean"])
    return -0.5 * np.dot(white, white) - np.sum(np.log(np.diag(chol))) - 0.5 * len(y) * np.log(2 * np.pi)


def log_marginal(params, x, y):
    cov = rbf(params, x, x) + np.exp(params["noise"]) * np.eye(len(y))
    return mvn.logpdf(y, params["mean"] * np.ones(len(y)), cov)


def run():
    rs = npr.RandomState(0)
    x = rs.randn(8, 2)
    y = np.sin(x[:, 0]) + 0.1 * rs.randn(8)
    params = {"mean": 0.1, "scale": 0.2, "noise": -2.0, "length": np.array([0.9, 1.4])}
    one, by_hand = value_and_grad(log_marginal_by_hand)(params, x, y)
    two, by_density = value_and_grad(log_marginal)(params, x, y)
    result = {"values": [one, two]}
    for key in params:
        result[key] = [by_hand[key], by_density[key]]
    return result
