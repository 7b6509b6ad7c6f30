"""A small convolutional network by scipy.signal's convolve, its parameters in one vector."""

import autograd.numpy as np
import autograd.numpy.random as npr
import autograd.scipy.signal
from autograd import grad
from autograd.misc.flatten import flatten
from autograd.scipy.special import logsumexp

convolve = autograd.scipy.signal.convolve


def conv_layer(params, inputs):
    w, b = params
    # inputs (data, channels in, y, x), filters (channels in, channels out, y, x)
    return convolve(inputs, w, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid") + b


def max_pool(inputs, n):
    data, channels, height, width = inputs.shape
    blocks = inputs.reshape((data, channels, height // n, n, width // n, n))
    return np.max(np.max(blocks, axis=3), axis=4)


def run():
    rs = npr.RandomState(0)
    images, labels = rs.randn(3, 1, 8, 8), np.eye(2)[[0, 1, 1]]
    params = {
        "conv": (0.3 * rs.randn(1, 2, 3, 3), 0.1 * rs.randn(1, 2, 1, 1)),
        "full": (0.3 * rs.randn(18, 2), np.zeros(2)),
    }
    flat, unflatten = flatten(params)

    def loss(flat):
        params = unflatten(flat)
        hidden = np.tanh(max_pool(conv_layer(params["conv"], images), 2))
        w, b = params["full"]
        logits = np.dot(hidden.reshape((3, -1)), w) + b
        return -np.sum((logits - logsumexp(logits, axis=1, keepdims=True)) * labels)

    gradient, losses = grad(loss), []
    for _ in range(5):
        losses.append(loss(flat))
        flat = flat - 0.1 * gradient(flat)
    return {"losses": losses, "flat": flat, "bias": unflatten(flat)["conv"][1]}
