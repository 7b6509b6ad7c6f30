"""Binary classification by gradient descent."""

import autograd.numpy as np
from autograd import grad, value_and_grad
from autograd.test_util import check_grads

inputs = np.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
targets = np.array([True, True, False, True])


def sigmoid(x):
    return 0.5 * (np.tanh(x / 2.0) + 1)


def logistic_predictions(weights, inputs):
    return sigmoid(np.dot(inputs, weights))


def training_loss(weights):
    preds = logistic_predictions(weights, inputs)
    label_probabilities = preds * targets + (1 - preds) * (1 - targets)
    return -np.sum(np.log(label_probabilities))


def run():
    weights = np.array([0.0, 0.0, 0.0])
    check_grads(training_loss, modes=["rev"])(weights)
    training_gradient = grad(training_loss)
    for _ in range(100):
        weights -= training_gradient(weights) * 0.01
    loss, last = value_and_grad(training_loss)(weights)
    return {"weights": weights, "loss": loss, "last": last}
