"""Checks what a loss function returns, losses and metrics by name, before anything is summed.

Note [Metrics by name]
Ranks add their totals as vectors, so a position must mean the same metric on all ranks. The first time, they exchange
the names of their metrics; from then on all use rank 0's order, whatever the order in which a loss function returns
them. Later each rank compares the names with the agreed ones, which costs no message.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from inspect import unwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.autodiff import array_like
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import ReplicaError, ShapeError, UsageError, kind_of, quoted
from ddtrain.ops import stop_gradient
from ddtrain.trainer.task import Loss

EVALUATION = "valid_"  # prefix of an evaluation's figures in the log
# names that every line of the log already uses
RESERVED = ("loss", "step", "epoch", "lr", "grad_norm", "samples_per_s")
_SAME = "Return the same metrics for every batch and on every rank, also where a batch has no samples."
_SHAPE = "Return losses of shape (N,), not their mean: the trainer divides by the global count."


class LossOutput:
    """Reads what a loss function returns, and holds the names of its metrics once they are known.

    Parameters
    ----------
    loss : the function, whose line errors name

    Attributes
    ----------
    names : the metrics' names, in the order of the totals; None before the first batch

    >>> seen = LossOutput(lambda model, x: None)
    >>> losses, metrics = seen.read((np.ones(2), {"error": np.array([3, 4])}), rows=2)
    >>> seen.names
    ('error',)
    >>> seen.read(np.ones(1), rows=2)
    Traceback (most recent call last):
    ddtrain.errors.ShapeError: loss: loss is an array of shape (1,) where one number for each of 2 samples is wanted
      Return losses of shape (N,), not their mean: the trainer divides by the global count.  ...
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.names: tuple[str, ...] | None = None
        self._agreed = False

    def read(self, returned: Any, rows: int, batch: Sequence[Any] = ()) -> tuple[Any, dict[str, NDArray[Any]]]:
        """The losses as they came, traced or not, and the metrics as plain arrays.

        Parameters
        ----------
        rows : number of samples in the batch
        batch : the loss function's arrays, to name one whose length is not ``rows``

        Raises
        ------
        ShapeError : losses that are not one real number a sample, or a metric that is not
        UsageError : the name of a metric is reserved, or is not a text
        ReplicaError : the metrics have other names than before
        """
        try:
            losses, returned_metrics = split(returned)
            _one_a_sample("loss", array_like(losses), rows, "f", batch)
            metrics = {name: stop_gradient(x) for name, x in returned_metrics.items()}
            for name, x in metrics.items():
                _one_a_sample(name, array_like(x), rows, "fiub", batch)
            if self.names is None:
                _check_names(metrics)
                self.names = tuple(metrics)
            elif tuple(metrics) != self.names and metrics.keys() != set(self.names):
                raise ReplicaError(
                    f"loss: the metrics are {_listed(metrics)} where before they were {_listed(self.names)}",
                    remedy=_SAME,
                )
        except (ShapeError, UsageError, ReplicaError) as error:
            raise error.at(line=self._line) from None
        return losses, metrics

    def agree(self, comm: Communicator) -> tuple[str, ...]:
        """The names in rank 0's order. The first call, which compares them between ranks, is collective.

        Raises
        ------
        ReplicaError : on all ranks, if two have different metrics
        """
        if not self._agreed:
            everybody = [None if names is None else tuple(names) for names in comm.exchange_objects(self.names)]
            known = [(rank, names) for rank, names in enumerate(everybody) if names is not None]
            first, self.names = known[0] if known else (0, ())
            for rank, names in known:
                if set(names) != set(self.names):
                    raise ReplicaError(
                        f"loss: the metrics are {_listed(names)} on rank {rank}, but {_listed(self.names)} on rank "
                        f"{first}",
                        remedy=_SAME,
                        rank=rank,
                        line=self._line,
                    )
            self._agreed = True
        assert self.names is not None, "agreed on"
        return self.names

    @property
    def _line(self) -> str:
        code = getattr(unwrap(getattr(self.loss, "func", self.loss)), "__code__", None)
        return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code else ""


def split(returned: Any) -> tuple[Any, Mapping[str, Any]]:
    """Losses and metrics, of which a loss function may return none.

    >>> split((3, {"accuracy": 1})), split((3, None)), split(3)
    ((3, {'accuracy': 1}), (3, {}), (3, {}))
    """
    if type(returned) is tuple and len(returned) == 2 and type(returned[1]) is dict and returned[0] is not None:
        return returned
    losses, metrics, more = (*returned, None, None)[:3] if isinstance(returned, tuple) else (returned, None, None)
    metrics = {} if metrics is None else metrics
    if losses is None or more is not None or not isinstance(metrics, Mapping):
        raise ShapeError(
            f"loss: the function returned {_kind(returned)} where losses and a dict of metrics are wanted",
            remedy='Return losses_N, {"accuracy": ops.correct(...)}, or losses_N alone.',
        )
    return losses, metrics


def _one_a_sample(name: str, x: Any, rows: int, kinds: str, batch: Sequence[Any]) -> None:
    if type(x) is np.ndarray and x.shape == (rows,) and x.dtype.kind in kinds:
        return
    if not isinstance(x, np.ndarray) or x.shape != (rows,) or isinstance(x, np.ma.MaskedArray):
        raise ShapeError(
            f"loss: {quoted(name, plain=True)} is {_kind(x)} where one number for each of {rows} samples is wanted",
            remedy=_lengths(rows, batch) or _SHAPE,
        )
    if x.dtype.kind not in kinds:
        raise ShapeError(
            f"loss: {quoted(name, plain=True)} is of {x.dtype} where real numbers are wanted",
            remedy="Take the real part, or the absolute value." if x.dtype.kind == "c" else "Return numbers of floats.",
        )


def _lengths(rows: int, batch: Sequence[Any]) -> str:
    """A text about the batch's arrays, if their lengths are what differs from the number of samples."""
    lengths = [np.shape(x)[0] if np.ndim(x) else 0 for x in batch]
    if all(length == rows for length in lengths):
        return ""
    return f"The data set's batch() was asked for {rows} samples, and gave arrays of lengths {lengths}."


def _check_names(metrics: Mapping[str, Any]) -> None:
    for name in metrics:
        if not isinstance(name, str) or not name or name in RESERVED or name.startswith(EVALUATION):
            raise UsageError(
                f"loss: {quoted(name)} cannot be the name of a metric",
                remedy=f"Give it another: {', '.join(RESERVED)} and {EVALUATION}... are the trainer's own.",
            )


def _listed(names: Any) -> str:
    return ", ".join(quoted(name, plain=True) for name in names) or "none"


def _kind(x: Any) -> str:
    if isinstance(x, np.ma.MaskedArray):
        return "a masked array"
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape}"
    if isinstance(x, tuple):
        return f"{len(x)} values: {', '.join(_kind(array_like(part)) for part in x[:4])}"
    return kind_of(x)
