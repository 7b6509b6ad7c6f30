"""What ``bench ops`` differentiates: functions written once, for any namespace that has NumPy's names.

To add one, write ``name(np) -> function of one argument`` and a line in ``PROGRAMS``.
"""

# N samples, D features, H hidden, T time steps
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as onp

from ddtrain import rng, tree
from ddtrain.autodiff import record

PYTHON_BOUND_SIZE = 1000  # array size below which NumPy's overhead outweighs its arithmetic
CHAIN = 10_000
LSTM_STEPS = 50
LOGSUMEXP_STEPS = 20
TANH_STEPS = 50

Function = Callable[[Any], Any]


@dataclass(frozen=True)
class Program:
    """One line of the table.

    Attributes
    ----------
    function : ``function(np)`` is the function, written in the namespace ``np``
    point : where it is differentiated
    about : sizes, for the reader
    operator : what is timed, by its name in ddtrain and in the peers
    """

    function: Callable[[Any], Function]
    point: Any
    about: str
    operator: str = "value_and_grad"

    def derivative(self, np: Any, operators: Any) -> Function:
        """The function that is timed, given a peer's namespace and its operators."""
        made: Function = getattr(operators, self.operator)(self.function(np))
        return made

    def largest(self, np: Any) -> int:
        """Numbers in the largest array of the trace."""
        leaves, rebuild = tree.flatten(self.point)
        fun = self.function(np)
        _, tape, _ = record(lambda *boxes: fun(rebuild(list(boxes))), leaves)
        return max(onp.size(x) for x in (*leaves, *(entry[1] for entry in tape.entries[tape.n_leaves :])))


def _normal(purpose: str, *shape: int) -> Any:
    return rng.stream(0, f"bench {purpose}").standard_normal(shape)


def logistic_regression(np: Any) -> Function:
    """Training loss of Autograd's first example: four inputs, three weights."""
    x_ND = onp.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
    targets = onp.array([True, True, False, True])

    def loss(weights: Any) -> Any:
        predictions = 0.5 * (np.tanh(np.dot(x_ND, weights) / 2.0) + 1)
        probabilities = predictions * targets + (1 - predictions) * (1 - targets)
        return -np.sum(np.log(probabilities))

    return loss


def logistic_neuron(np: Any) -> Function:
    """The lectures' circuit: two inputs, two weights, a bias."""
    return lambda w: 1 / (1 + np.exp(-(w[0] * -1.0 + w[1] * -2.0 + w[2])))


def product_and_sine(np: Any) -> Function:
    """z = x y + sin x, along x."""
    return lambda x: x * 4.2 + np.sin(x)


def perceptron(*sizes: int, batch: int) -> Callable[[Any], Function]:
    """tanh layers and a sum of squares."""
    x_ND = _normal("inputs", batch, sizes[0])

    def with_namespace(np: Any) -> Function:
        def loss(layers: Any) -> Any:
            h = x_ND
            for w, b in layers:
                h = np.tanh(np.dot(h, w) + b)
            return np.sum(h**2)

        return loss

    return with_namespace


def _layers(*sizes: int) -> list[tuple[Any, Any]]:
    return [(_normal("weights", d, k) / d**0.5, onp.zeros(k)) for d, k in pairwise(sizes)]


def lstm(np: Any) -> Function:
    """A recurrent network whose gates are slices of one product."""
    x_TND, hidden = _normal("sequence", LSTM_STEPS, 4, 8), 8

    def sigmoid(x: Any) -> Any:
        return 0.5 * (np.tanh(x / 2.0) + 1.0)

    def loss(weights: Any) -> Any:
        w_input, w_hidden = weights
        h, c = onp.zeros((4, hidden)), onp.zeros((4, hidden))
        for x in x_TND:
            gates = np.dot(x, w_input) + np.dot(h, w_hidden)
            i, f, o, g = (gates[:, k * hidden : (k + 1) * hidden] for k in range(4))
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        return np.sum(h)

    return loss


def logsumexp_chain(np: Any) -> Function:
    """Rows shifted by their logsumexp, again and again."""

    def total(x: Any) -> Any:
        for _ in range(LOGSUMEXP_STEPS):
            most = np.max(x, axis=1, keepdims=True)
            x = x - (most + np.log(np.sum(np.exp(x - most), axis=1, keepdims=True))) * 0.5
        return np.sum(x)

    return total


def tanh_chain(np: Any) -> Function:
    """The cheapest steps there are on arrays."""

    def total(x: Any) -> Any:
        for _ in range(TANH_STEPS):
            x = np.tanh(x)
        return np.sum(x)

    return total


def scalar_chain(np: Any) -> Function:
    """Multiplications of one number."""

    def chain(x: Any) -> Any:
        for _ in range(CHAIN):
            x = x * 1.00001
        return x

    return chain


def twenty_variables(np: Any) -> Function:
    """A function whose Hessian is full."""
    return lambda x: np.sum(np.tanh(x) ** 2) * np.sum(x * x)


PROGRAMS: Mapping[str, Program] = {
    "logistic_regression": Program(logistic_regression, onp.full(3, 0.1), "4 samples, 3 weights"),
    "logistic_neuron": Program(logistic_neuron, onp.array([2.0, -3.0, -3.0]), "3 weights"),
    "product_and_sine": Program(product_and_sine, 0.5, "x y + sin x"),
    "mlp": Program(perceptron(10, 16, 16, 1, batch=8), _layers(10, 16, 16, 1), "10-16-16-1, batch 8"),
    "lstm": Program(lstm, [_normal("lstm", 8, 32) / 3, _normal("lstm", 8, 32) / 3], f"{LSTM_STEPS} steps, H 8, N 4"),
    "logsumexp": Program(logsumexp_chain, _normal("rows", 5, 7), f"{LOGSUMEXP_STEPS} of 5x7"),
    "tanh": Program(tanh_chain, onp.full(10, 0.3), f"{TANH_STEPS} of 10 numbers"),
    "chain": Program(scalar_chain, 1.0, f"{CHAIN} nodes of one number"),
    "hessian": Program(twenty_variables, _normal("point", 20), "20 variables", "hessian"),
    "mlp_wide": Program(
        perceptron(784, 256, 256, 10, batch=128), _layers(784, 256, 256, 10), "784-256-256-10, batch 128"
    ),
    "logsumexp_wide": Program(logsumexp_chain, _normal("wide", 256, 512), f"{LOGSUMEXP_STEPS} of 256x512"),
}
