"""The network that is an optimizer: an LSTM that reads one parameter's gradients and says how it moves.

All parameters share its weights, and each has its own state. So it is small whatever it trains, and does not see in
which order the parameters stand (Andrychowicz et al., 2016).
"""

# N parameters, T steps, F = 2 features of a gradient, H hidden units, 4H: the gates i, f, g, o

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import DTypeLike

import ddtrain.numpy as dnp
from ddtrain.errors import DataError, UsageError
from ddtrain.nn.init import glorot_uniform
from ddtrain.ops import lstm
from ddtrain.rng import stream
from ddtrain.trainer import atomic_files

Array = np.ndarray[Any, Any]
LARGEST_LOG = 10.0  # gradients below exp(-10) are told apart by their value, and those above by their logarithm
STEP = 0.1  # of the output: the scale of an untrained network's steps


@dataclass(frozen=True)
class LstmNetwork:
    """The weights of an optimizer that has been learned, or is to be.

    Attributes
    ----------
    weights : by name: of layer k ``k.input`` (F or H, 4H), ``k.hidden`` (H, 4H) and ``k.bias`` (4H,); ``output`` (H, 1)

    Examples
    --------
    >>> network = LstmNetwork.initial(seed=0, hidden=5, layers=2)
    >>> network.hidden, network.layers, network.vectors()[:3]
    (5, 2, ('h0.0', 'h0.1', 'h0.2'))
    """

    weights: Mapping[str, Array]

    @classmethod
    def initial(cls, seed: int, hidden: int = 20, layers: int = 2, dtype: DTypeLike = np.float64) -> LstmNetwork:
        """Weights to begin with: Glorot's uniform ones, and a bias of 1 at the forget gates.

        Raises
        ------
        UsageError : no unit, or no layer
        """
        if hidden < 1 or layers < 1:
            raise UsageError(f"meta: an LSTM of {layers} layers of {hidden} units", remedy="Give at least one of both.")
        weights: dict[str, Array] = {}
        for k in range(layers):
            for name, rows in (("input", hidden if k else 2), ("hidden", hidden)):
                weights[f"{k}.{name}"] = _drawn(seed, f"{k}.{name}", (rows, 4 * hidden))
            weights[f"{k}.bias"] = np.repeat([0.0, 1.0, 0.0, 0.0], hidden)
        weights["output"] = _drawn(seed, "output", (hidden, 1))
        return cls({name: weight.astype(dtype) for name, weight in weights.items()})

    @property
    def dtype(self) -> np.dtype[Any]:
        found: np.dtype[Any] = self.weights["output"].dtype
        return found

    @property
    def hidden(self) -> int:
        return len(self.weights["output"])

    @property
    def layers(self) -> int:
        return sum(name.endswith(".bias") for name in self.weights)

    def vectors(self) -> tuple[str, ...]:
        """What is remembered of each parameter, by name: of every layer the hidden units h, then the cells c."""
        return tuple(f"{what}{k}.{unit}" for k in range(self.layers) for what in "hc" for unit in range(self.hidden))

    def no_state(self, n: int) -> Array:
        """(N, vectors): the state of parameters that have had no gradient yet."""
        return np.zeros((n, len(self.vectors())), self.dtype)

    def save(self, path: Path | str) -> None:
        """Write the weights to a file of safetensors.

        Raises
        ------
        DataError : it cannot be written
        """
        atomic_files.replace(path, safetensors.numpy.save(dict(self.weights)))

    @classmethod
    def load(cls, path: Path | str) -> LstmNetwork:
        """The weights in a file that :meth:`save` has written.

        Raises
        ------
        DataError : no such file, or it holds something else: what is missing or of another shape is named
        """
        try:
            weights = safetensors.numpy.load(Path(path).read_bytes())
        except (OSError, safetensors.SafetensorError) as error:
            raise DataError(f"{path}: no optimizer can be read: {error}") from None
        hidden = len(weights["output"]) if "output" in weights else 20
        wanted = cls.initial(0, hidden, cls(weights).layers or 1).weights
        for name in {"output": None, **wanted, **weights}:
            shapes = [of[name].shape if name in of else None for of in (weights, wanted)]
            if shapes[0] != shapes[1]:
                raise DataError(f"{path}: no learned optimizer: {name} has shape {shapes[0]}, not {shapes[1]}")
        return cls(weights)


def features(g: Array) -> Array:
    """What the network reads of gradients, (..., 2): numbers near 1 for gradients of all sizes.

    (log|g| / 10, sign g) where |g| ≥ e⁻¹⁰, else (−1, e¹⁰ g): appendix A of the paper.

    >>> features(np.array([1.0, -np.exp(-5), 1e-6, 0.0])).round(3).tolist()
    [[0.0, 1.0], [-0.5, -1.0], [-1.0, 0.022], [-1.0, 0.0]]
    """
    size = np.abs(g)
    large = size >= np.exp(-LARGEST_LOG)
    log = np.log(np.where(large, size, 1.0)) / LARGEST_LOG
    return np.stack([np.where(large, log, -1.0), np.where(large, np.sign(g), g * np.exp(LARGEST_LOG))], axis=-1)


def steps(weights: Mapping[str, Any], inputs: Array, state: Array) -> tuple[Any, Any]:
    """How parameters move, and their state after that. Differentiable by the weights.

    Parameters
    ----------
    weights : of the network
    inputs : (N, T, 2), features of T gradients of each parameter
    state : (N, vectors) before the first of them

    Returns
    -------
    (N, T) moves, and (N, vectors)

    >>> network = LstmNetwork.initial(seed=0, hidden=3, layers=1)
    >>> moves, state = steps(network.weights, features(np.ones((2, 4))), network.no_state(2))
    >>> moves.shape, state.shape
    ((2, 4), (2, 6))
    """
    h, last = len(weights["output"]), []
    x, (n, length, _) = inputs, inputs.shape
    for k in range(state.shape[1] // (2 * h)):
        before = state[:, 2 * h * k : 2 * h * (k + 1)]
        brought = x @ weights[f"{k}.input"] + weights[f"{k}.bias"]
        y = lstm(brought, before[:, :h], before[:, h:], weights[f"{k}.hidden"])
        x = y[:, :, :h]
        last.append(y[:, -1])
    return STEP * (x @ weights["output"]).reshape(n, length), dnp.concatenate(last, axis=1)


def _drawn(seed: int, name: str, shape: tuple[int, int]) -> Array:
    return glorot_uniform(stream(seed, f"meta/{name}"), shape)
