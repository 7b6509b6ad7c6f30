"""A network whose parameters are lists of tuples in a dict; every optimizer; aux values and names."""

import itertools

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import grad, grad_and_aux, grad_named, value_and_grad
from autograd.misc import flatten
from autograd.misc.optimizers import adam, rmsprop, sgd


def init_random_params(scale, sizes, rs):
    return [(scale * rs.randn(m, n), scale * rs.randn(n)) for m, n in itertools.pairwise(sizes)]


def predict(layers, inputs):
    for W, b in layers:
        outputs = np.dot(inputs, W) + b
        inputs = np.maximum(outputs, 0.1 * outputs)
    return outputs


def l2_norm(params):
    flattened, _ = flatten(params)
    return np.dot(flattened, flattened)


def run():
    rs = npr.RandomState(0)
    inputs = np.linspace(-2, 2, num=15).reshape((15, 1))
    targets = np.cos(inputs) + 0.1 * rs.randn(15, 1)
    params = {"layers": init_random_params(0.5, [1, 5, 4, 1], rs), "log_noise": -1.0}

    def objective(params, i):
        noise = np.exp(2 * params["log_noise"])
        misfit = np.mean((targets - predict(params["layers"], inputs)) ** 2)
        return misfit / noise + 2 * params["log_noise"] + 0.01 * l2_norm(params["layers"])

    seen = []
    result = {}
    for optimizer in (sgd, rmsprop, adam):
        trained = optimizer(
            grad(objective), params, num_iters=12, step_size=0.02, callback=lambda p, i, g: seen.append(g["log_noise"])
        )
        result[optimizer.__name__] = flatten(trained)[0]
    gradient, aux = grad_and_aux(lambda p: (objective(p, 0), {"layers": 1.0 * len(p["layers"])}))(params)
    return {
        **result,
        "seen": seen,
        "aux": aux["layers"],
        "gradient": flatten(gradient)[0],
        "named": grad_named(lambda x, rate: x * rate**2, "rate")(3.0, 2.0),
        "value": value_and_grad(objective)(params, 0)[0],
    }
