"""Inputs as uncorrelated numbers of variance 1, by principal components, of which the last may be left out."""

# N samples, D features, K components

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ddtrain.comm.protocol import Communicator
from ddtrain.data.dataset import Dataset
from ddtrain.data.inputs.moments import BLOCK, moments
from ddtrain.data.inputs.protocol import Inputs
from ddtrain.errors import DataError, ShapeError, UsageError
from ddtrain.parts import Range, register


class Whiten:
    """``(x - mean) @ components / sqrt(variances + epsilon)``: (N, ...) to (N, K), a transform of data, by PCA.

    Parameters
    ----------
    mean : (D,)
    components : (D, K), orthonormal columns by falling variance; the largest entry of each is positive
    variances : (K,), of the training data along each, with the divisor n - 1
    dtype : of the result
    epsilon : added to the variances, so that directions in which little varies are not blown up
    zca : ``@ components.T`` after that, back to the shape of the samples: of all whitened versions the nearest to them
        (zero-phase component analysis)

    References
    ----------
    Bell, Sejnowski (1997), "The independent components of natural scenes are edge filters", for ZCA.

    Notes
    -----
    Applied to batches of other lengths it may differ in last bits, as BLAS does. Data that is transformed once, as a
    whole, does not.

    >>> from ddtrain.data import ArrayData
    >>> x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> fitted = Whiten.fit(ArrayData(x), components=1)
    >>> fitted(x).round(4).ravel(), float(fitted.variances[0])
    (array([ 1.2247, -1.2247,  0.    ,  0.    ], dtype=float32), 6.0)
    """

    def __init__(
        self,
        mean: NDArray[Any],
        components: NDArray[Any],
        variances: NDArray[Any],
        dtype: DTypeLike = np.float32,
        epsilon: float = 0.0,
        zca: bool = False,
    ) -> None:
        contiguous = [np.ascontiguousarray(a, np.float64) for a in (mean, components, variances)]  # as files want them
        self.mean, self.components, self.variances = contiguous
        self.dtype, self.epsilon, self.zca = np.dtype(dtype), float(epsilon), bool(zca)
        matrix = self.components / np.sqrt(self.variances + self.epsilon)
        self._matrix = (matrix @ self.components.T if self.zca else matrix).astype(self.dtype)

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        components: int = 0,
        *,
        epsilon: float = 0.0,
        zca: bool = False,
        dtype: DTypeLike = np.float32,
        comm: Communicator | None = None,
        block: int = BLOCK,
    ) -> Self:
        """From the training data, with the same bits on any number of ranks. Collective, where there are ranks.

        Parameters
        ----------
        dataset, comm, block : as in :func:`ddtrain.data.inputs.moments`
        components : how many to keep, those of the largest variance; 0: all
        epsilon, zca : see :class:`Whiten`
        dtype : of the results; the fit itself is in float64

        Raises
        ------
        DataError : on all ranks, of fewer samples than dimensions, of inputs that are not finite, or, without an
            epsilon, of a component that does not vary
        UsageError : more components than dimensions
        """
        width = math.prod(dataset.batch(np.arange(0))[0].shape[1:])
        if not 0 <= components <= width:
            raise UsageError(
                f"whiten: {components} components of {width} dimensions", remedy=f"Give 0 (all) to {width}."
            )
        if len(dataset) < width:
            raise DataError(
                f"whiten: {len(dataset)} samples are fewer than their {width} dimensions",
                remedy="Give more samples, or smaller ones: their covariance is singular.",
            )
        found = moments(dataset, scatter=True, comm=comm, block=block)
        variances_D, vectors_DD = np.linalg.eigh(found.spread / max(1, found.count - 1))
        kept = slice(None, -1 - (components or width), -1)  # eigh's are by rising variance
        variances_K, components_DK = variances_D[kept], vectors_DD[:, kept]
        none = variances_K <= width * np.finfo(np.float64).eps * max(variances_D[-1:], default=0.0)
        if none.any() and not epsilon:
            first = int(np.flatnonzero(none)[0])
            raise DataError(
                f"whiten: component {first} of {len(none)} does not vary, and cannot be scaled to variance 1",
                remedy=f"Keep fewer: components={first}, or give an epsilon above 0."
                if first
                else "All samples are alike.",
            )
        signs_K = np.sign(components_DK[np.abs(components_DK).argmax(axis=0), np.arange(components_DK.shape[1])])
        kept_variances_K = np.maximum(variances_K, 0.0)  # where nothing varies, rounding may leave less
        return cls(found.mean, components_DK * signs_K, kept_variances_K, dtype, epsilon, zca)

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """(N, K) of (N, ...); with ``zca`` (N, ...).

        Raises
        ------
        ShapeError : samples of another size than those it was fitted to
        """
        if math.prod(x.shape[1:]) != len(self.mean):
            raise ShapeError(
                f"whiten: samples have shape {x.shape[1:]}, but it was fitted to {len(self.mean)} features",
                remedy="Give samples like those of the fit.",
            )
        centred_ND = np.subtract(x.reshape(len(x), len(self.mean)), self.mean, dtype=np.float64)
        whitened: NDArray[Any] = centred_ND.astype(self.dtype) @ self._matrix
        return whitened.reshape(x.shape) if self.zca else whitened

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """What :meth:`from_state` makes the same transform of: arrays to be stored beside the model's."""
        arrays = {"mean": self.mean, "components": self.components, "variances": self.variances}
        return {**arrays, "epsilon": np.array(self.epsilon), "zca": np.array(self.zca)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with stored numbers.

        Raises
        ------
        ShapeError : they are of other samples, or of another number of components
        """
        stored = self.from_state(state, self.dtype)
        if stored.components.shape != self.components.shape:
            raise ShapeError(
                f"whiten: fitted to components of shape {self.components.shape}, the stored ones have "
                f"{stored.components.shape}"
            )
        vars(self).update(vars(stored))

    @classmethod
    def from_state(cls, state: Mapping[str, Any], dtype: DTypeLike = np.float32) -> Self:
        """The transform of which :meth:`state_dict` was stored."""
        mean, components, variances = (state[name] for name in ("mean", "components", "variances"))
        return cls(mean, components, variances, dtype, float(state["epsilon"]), bool(state["zca"]))


@register
@dataclass(frozen=True)
class Whitened(Inputs):
    """Uncorrelated numbers of variance 1, by principal components: :class:`Whiten`.

    >>> Whitened(components=50).shape((8, 8, 1)), Whitened(components=50, zca=True).shape((8, 8, 1))
    ((50,), (8, 8, 1))
    """

    name: str = "whiten"
    """How inputs are prepared."""
    components: int = 0
    """How many principal components are kept; 0: all."""
    epsilon: float = 0.0
    """Added to the variances, in squared units of the inputs."""
    zca: bool = False
    """Turned back to the shape of the inputs."""

    def fit(self, dataset: Dataset, dtype: DTypeLike, comm: Communicator | None = None) -> Whiten:
        return Whiten.fit(dataset, self.components, epsilon=self.epsilon, zca=self.zca, dtype=dtype, comm=comm)

    def load(self, state: Mapping[str, Any], dtype: DTypeLike) -> Whiten:
        return Whiten.from_state(state, dtype)

    def shape(self, sample: tuple[int, ...]) -> tuple[int, ...]:
        return sample if self.zca else (self.components or math.prod(sample),)

    def ranges(self) -> Iterator[Range]:
        yield from super().ranges()
        yield "components", self.components >= 0, "0 (all) or more"
        yield "epsilon", self.epsilon >= 0, "a finite number, 0 or more"
