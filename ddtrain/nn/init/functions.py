"""Initial values as plain functions: ``init(generator, shape) -> array``.

The fan-in of a weight is the product of all its axes but the last: (in, out) for linear, (kh, kw, in, out) for
convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Init = Callable[["np.random.Generator", tuple[int, ...]], NDArray[Any]]  # a name in quotes: NumPy loads it late


def zeros(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """All zeros.

    >>> zeros(np.random.default_rng(0), (2,))
    array([0., 0.])
    """
    return np.zeros(shape)


def ones(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """All ones.

    >>> ones(np.random.default_rng(0), (2,))
    array([1., 1.])
    """
    return np.ones(shape)


def standard_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """Normal with standard deviation 1 around zero.

    >>> round(float(standard_normal(np.random.default_rng(0), (10_000,)).std()), 1)
    1.0
    """
    return generator.standard_normal(shape)


def normal(std: float) -> Init:
    """Normal with standard deviation ``std`` around zero.

    >>> round(float(normal(0.02)(np.random.default_rng(0), (10_000,)).std()), 3)
    0.02
    """
    return lambda generator, shape: std * generator.standard_normal(shape)


def fan_in(shape: tuple[int, ...]) -> int:
    """Number of inputs that one output sums over.

    >>> fan_in((3, 3, 16, 32))
    144
    """
    return max(1, int(np.prod(shape[:-1])))


def fan_in_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """Uniform in ±1/√fan-in: PyTorch's default for linear and convolution weights.

    >>> draws = fan_in_uniform(np.random.default_rng(0), (4, 1000))  # 4 inputs: within 1 / sqrt(4)
    >>> round(float(abs(draws).max()), 2)
    0.5
    """
    return bias_uniform(fan_in(shape))(generator, shape)


def bias_uniform(n_in: int) -> Init:
    """Uniform in ±1/√n_in: PyTorch's default for the bias beside a weight of that fan-in.

    >>> round(float(abs(bias_uniform(100)(np.random.default_rng(0), (1000,))).max()), 2)
    0.1
    """
    bound = max(1, n_in) ** -0.5
    return lambda generator, shape: generator.uniform(-bound, bound, shape)


def glorot_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """Uniform with variance 2/(fan-in + fan-out), for tanh networks (Glorot & Bengio 2010, eq. 16).

    >>> round(float(glorot_uniform(np.random.default_rng(0), (100, 300)).var()), 4)  # 2 / (100 + 300)
    0.005
    """
    fan_out = fan_in(shape) // shape[-2] * shape[-1] if len(shape) > 1 else shape[-1]
    bound = (6 / (fan_in(shape) + fan_out)) ** 0.5
    return generator.uniform(-bound, bound, shape)
