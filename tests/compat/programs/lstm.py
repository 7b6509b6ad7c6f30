"""A long short-term memory with a dict of parameters, trained by adam to repeat a sequence."""

import autograd.numpy as np
import autograd.numpy.random as npr
from autograd import grad
from autograd.misc.optimizers import adam
from autograd.scipy.special import logsumexp


def sigmoid(x):
    return 0.5 * (np.tanh(x) + 1.0)


def init_params(rs, n_in, n_state, scale=0.3):
    def weights(*shape):
        return rs.randn(*shape) * scale

    gates = ["change", "forget", "ingate", "outgate"]
    params = {gate: weights(n_in + n_state + 1, n_state) for gate in gates}
    params.update(
        {"predict": weights(n_state + 1, n_in), "init": {"cells": weights(1, n_state), "hiddens": weights(1, n_state)}}
    )
    return params


def concat_and_multiply(weights, *args):
    cat_state = np.hstack((*args, np.ones((args[0].shape[0], 1))))
    return np.dot(cat_state, weights)


def predict(params, inputs):
    def update(x, hiddens, cells):
        change = np.tanh(concat_and_multiply(params["change"], x, hiddens))
        forget = sigmoid(concat_and_multiply(params["forget"], x, hiddens))
        ingate = sigmoid(concat_and_multiply(params["ingate"], x, hiddens))
        outgate = sigmoid(concat_and_multiply(params["outgate"], x, hiddens))
        cells = cells * forget + ingate * change
        return outgate * np.tanh(cells), cells

    hiddens = np.repeat(params["init"]["hiddens"], inputs.shape[1], axis=0)
    cells = np.repeat(params["init"]["cells"], inputs.shape[1], axis=0)
    outputs = []
    for x in inputs:
        hiddens, cells = update(x, hiddens, cells)
        scores = concat_and_multiply(params["predict"], hiddens)
        outputs.append(scores - logsumexp(scores, axis=1, keepdims=True))
    return outputs


def run():
    rs = npr.RandomState(0)
    inputs = np.eye(3)[rs.randint(0, 3, (6, 4))]
    params = init_params(rs, 3, 4)

    def loss(params, iteration):
        logprobs = predict(params, inputs)
        total = 0.0
        for t in range(len(inputs) - 1):
            total += np.sum(logprobs[t] * inputs[t + 1])
        return -total / inputs.shape[0]

    losses = []
    trained = adam(grad(loss), params, step_size=0.05, num_iters=8, callback=lambda p, i, g: losses.append(loss(p, i)))
    return {"losses": losses, "change": trained["change"], "init": trained["init"]["cells"]}
