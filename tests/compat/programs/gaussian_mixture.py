"""A mixture of Gaussians by Newton-like steps along Hessian-vector products."""

import autograd.numpy as np
import autograd.numpy.random as npr
import autograd.scipy.stats.multivariate_normal as mvn
from autograd import grad, hessian_vector_product
from autograd.scipy.special import logsumexp


def log_normalize(x):
    return x - logsumexp(x)


def unpack(params):
    return log_normalize(params["log proportions"]), params["means"], params["lower triangles"]


def gmm_log_likelihood(params, data):
    scores = []
    for log_proportion, mean, triangle in zip(*unpack(params)):
        covariance = np.dot(triangle.T, triangle)
        scores.append(log_proportion + mvn.logpdf(data, mean, covariance))
    return np.sum(logsumexp(np.vstack(scores), axis=0))


def run():
    rs = npr.RandomState(0)
    data = np.concatenate([rs.randn(12, 2) - 2.0, rs.randn(12, 2) + 1.0])
    params = {
        "log proportions": rs.randn(2) * 0.1,
        "means": rs.randn(2, 2),
        "lower triangles": np.stack([np.eye(2) * 1.5, np.eye(2)]),
    }
    gradient = grad(gmm_log_likelihood)(params, data)
    of_means = lambda means: gmm_log_likelihood(dict(params, means=means), data)
    return {
        "value": gmm_log_likelihood(params, data),
        "proportions": gradient["log proportions"],
        "means": gradient["means"],
        "triangles": gradient["lower triangles"],
        "hvp": hessian_vector_product(of_means)(params["means"], np.ones((2, 2))),
    }
