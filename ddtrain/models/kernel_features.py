"""Fixed features φ(x), on which a linear model is a kernel machine: the kernel is the product φ(x) · φ(y)."""

# N samples, D inputs, F features, K classes
from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from ddtrain import nn
from ddtrain.errors import UsageError
from ddtrain.models.linear import SoftmaxRegression


class PolynomialFeatures(nn.Module):
    """All products of up to ``degree`` inputs, scaled so that ``φ(x) · φ(y) = (gamma · x · y + offset) ** degree``.

    Parameters
    ----------
    d : D
    degree : 1 or more; there are (D + degree) over degree features
    gamma : above 0
    offset : above 0, the weight of products of fewer inputs

    Attributes
    ----------
    features : F

    Raises
    ------
    UsageError : a degree below 1, or a gamma or offset that is not above 0

    >>> phi = PolynomialFeatures(2, degree=2).bind({})
    >>> phi(np.array([[3.0, 2.0]])).round(4)  # 1, √2 x, √2 y, x², √2 x y, y²
    array([[1.    , 4.2426, 2.8284, 9.    , 8.4853, 4.    ]])
    """

    def __init__(self, d: int, degree: int = 2, gamma: float = 1.0, offset: float = 1.0) -> None:
        if degree < 1 or not gamma > 0 or not offset > 0:
            raise UsageError(
                f"PolynomialFeatures: degree {degree}, gamma {gamma} and offset {offset} are not all above 0",
                remedy="Try a degree of 2, a gamma of 1 / d and an offset of 1.",
            )
        # which inputs each feature multiplies; number 0 is the constant √offset
        self.factors = np.array([*combinations_with_replacement(range(d + 1), degree)])
        counts = [np.unique(row, return_counts=True)[1] for row in self.factors]
        ways = [math.factorial(degree) // math.prod(map(math.factorial, map(int, count))) for count in counts]
        self.scales, self.features = np.sqrt(ways), len(ways)
        self.gamma, self.offset = gamma, offset

    def forward(self, x_ND: nn.Array) -> nn.Array:
        constant = np.full((len(x_ND), 1), math.sqrt(self.offset), x_ND.dtype)
        inputs = np.concatenate([constant, x_ND * np.asarray(math.sqrt(self.gamma), x_ND.dtype)], axis=1)
        return inputs[:, self.factors].prod(axis=2) * self.scales.astype(x_ND.dtype)


class RandomFourierFeatures(nn.Module):
    """``√(2/F) cos(x @ W + b)``, whose products tend to the Gaussian kernel ``exp(-gamma · |x - y|²)`` as F grows.

    W is normal of variance 2 · gamma, b uniform in [0, 2π): buffers, drawn once and saved with the model.

    Parameters
    ----------
    d : D
    features : F
    gamma : of the kernel, above 0

    Raises
    ------
    UsageError : a gamma that is not above 0

    References
    ----------
    Rahimi, Recht (2007), "Random features for large-scale kernel machines".

    >>> phi = RandomFourierFeatures(3, features=20_000, gamma=0.5)
    >>> x = phi.bind(phi.init(seed=0))(np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    >>> round(float(x[0] @ x[1]), 2)  # exp(-1) is 0.37
    0.38
    """

    def __init__(self, d: int, features: int, gamma: float) -> None:
        if not gamma > 0:
            raise UsageError(f"RandomFourierFeatures: gamma {gamma} is not above 0", remedy="Try 1 / d.")
        self.features = features
        self.frequencies = nn.buffer((d, features), nn.init.normal(math.sqrt(2 * gamma)))
        self.phases = nn.buffer((features,), _phases)

    def forward(self, x_ND: nn.Array) -> nn.Array:
        waves = np.cos(x_ND @ self.frequencies + self.phases)
        return waves * np.asarray(math.sqrt(2 / self.features), x_ND.dtype)


class KernelClassifier(nn.Module):
    """A linear classifier of features: with ``ops.hinge`` a support vector machine with their kernel.

    Parameters
    ----------
    phi : a module of features, such as the two above
    features : F, how many it makes
    classes : K

    >>> phi = PolynomialFeatures(4, degree=2)
    >>> model = KernelClassifier(phi, phi.features, classes=3)
    >>> model.bind(model.init())(np.ones((2, 4))).shape
    (2, 3)
    """

    def __init__(self, phi: nn.Module, features: int, classes: int) -> None:
        self.phi = phi
        self.classifier = SoftmaxRegression(features, classes)

    def forward(self, x_ND: nn.Array) -> nn.Array:
        return self.classifier(self.phi(x_ND))


def _phases(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return generator.uniform(0.0, 2 * math.pi, shape)
