"""Outputs of a model for many samples, a batch at a time, on one rank or several, with the same bits."""

# N samples, B batches, P ranks

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ddtrain import tree
from ddtrain.autodiff import value_of
from ddtrain.comm import Communicator, call_on_ranks, gather_rows, launcher, run_on_all
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.data import ArrayData, Dataset, batch_of
from ddtrain.errors import DataError, ShapeError, UsageError, kind_of
from ddtrain.nn import Module
from ddtrain.ops import communicator, use_communicator
from ddtrain.partition import part_bounds

BATCH = 256

T = TypeVar("T")


def predict(
    net: Callable[..., Any], x: Any, batch_size: int = BATCH, *, inputs: int = 1, comm: Communicator | None = None
) -> Any:
    """The outputs of a bound model for all samples, in order. Collective, where there are ranks.

    Parameters
    ----------
    net : a bound model, which is evaluated whatever it was bound for: dropout drops nothing, batch-norm has its running
        statistics; or any function of batches
    x : an array; a tuple of arrays, which are the model's arguments; or a data set, see :class:`ddtrain.data.Dataset`.
        Floating ones are brought to the model's dtype
    batch_size : samples at a time; outputs may depend on it in their last bits
    inputs : of a data set, how many of a batch's arrays the model takes
    comm : ranks that share the work. By default those of :func:`ddtrain.ops.use_communicator`, or those that mpirun has
        started: every rank makes the call, each computes its part, and all get all rows, with the bits of one rank

    Returns
    -------
    (N, ...) an array; or what the model returns, such as a tuple, with N rows in each of its arrays

    Raises
    ------
    UsageError : the model has no values, or is none
    ShapeError : the model does not take such samples, or has no output for each of them

    Examples
    --------
    >>> from ddtrain import nn
    >>> net = nn.Linear(2, 1).bind({"weight": np.array([[1.0], [10.0]]), "bias": np.zeros(1)})
    >>> predict(net, np.arange(6).reshape(3, 2), batch_size=2)
    array([[10.],
           [32.],
           [54.]])
    """
    require_values("predict", net)
    dataset, count = _samples(x, inputs)
    return of_batches("predict", net, lambda model, batch: model(*batch[:count]), dataset, batch_size, comm)


def of_batches(
    op: str,
    net: Callable[..., Any],
    call: Callable[[Any, tuple[Any, ...]], Any],
    dataset: Dataset,
    batch_size: int,
    comm: Communicator | None,
) -> Any:
    """What ``call(net, batch)`` returns, one row a sample, for all samples of a data set. Collective.

    Parameters
    ----------
    op : the operation's name, for messages
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise UsageError(f"{op}: batch_size is {batch_size!r}", remedy="Give a whole number from 1 up.")
    if isinstance(net, Module):
        net = net.evaluating()
    dtype = dtype_of(net)

    def rows_of(batch: int) -> tuple[list[Any], Any]:
        rows = np.arange(batch * batch_size, min((batch + 1) * batch_size, len(dataset)))
        with use_communicator(None), np.errstate(all="ignore"):
            given = batch_of(dataset, rows, dtype) if dtype is not None else tuple(dataset.batch(rows))
            leaves, rebuild = tree.flatten(call(net, given))
        return [_rows(op, value_of(leaf), len(rows)) for leaf in leaves], rebuild

    def part(comm: Communicator) -> tuple[list[Any], Any]:
        batches = max(1, -(-len(dataset) // batch_size))
        parts = min(comm.size, batches)
        first, last = part_bounds(batches, comm.rank, parts) if comm.rank < parts else (0, 1)
        found = [rows_of(batch) for batch in range(first, last)]
        columns = [np.concatenate(column) for column in zip(*(leaves for leaves, _ in found), strict=True)]
        if comm.rank >= parts:  # a rank without a batch has computed the first, to know what outputs look like
            columns = [column[:0] for column in columns]
        return columns, found[0][1]

    def work(comm: Communicator) -> Any:
        columns, rebuild = run_on_all(comm, lambda: part(comm))
        return rebuild(gather_rows(comm, columns))

    return over_ranks(work, comm)


def require_values(op: str, net: Any) -> None:
    """Raise UsageError unless it is a model that has values, or a function."""
    if isinstance(net, Module) and net._run is None:
        raise UsageError(
            f"{op}: the {type(net).__name__} has no values yet",
            remedy="Give those of a run: run.load(net); or initial ones: net.bind(net.init(seed=0)).",
        )
    if isinstance(net, type) or not callable(net):
        raise UsageError(
            f"{op}: {kind_of(net)} where a model is wanted", remedy="Give one with values, such as run.load(net)."
        )


def over_ranks(work: Callable[[Communicator], T], comm: Communicator | None) -> T:
    """``work(comm)`` on the given ranks, on those of the context, on those of mpirun, or on this one alone."""
    around: Any = communicator()
    if comm is None and hasattr(around, "exchange_objects"):
        comm = around
    if comm is None and launcher().size > 1:
        found: list[T] = []
        call_on_ranks("auto", lambda world: found.append(work(world)))
        return found[0]
    return work(comm or LocalCommunicator())


def dtype_of(net: Any) -> np.dtype[Any] | None:
    """The floating dtype of most of a bound model's numbers; None if it has none.

    >>> from ddtrain import nn
    >>> layer = nn.Linear(2, 1)
    >>> dtype_of(layer.bind(layer.init(dtype=np.float32)))
    dtype('float32')
    """
    counts: dict[np.dtype[Any], int] = {}
    for x in _arrays(net) if isinstance(net, Module) else ():
        if x.dtype.kind == "f":
            counts[x.dtype] = counts.get(x.dtype, 0) + x.size
    return max(counts, key=lambda dtype: counts[dtype]) if counts else None


def _arrays(module: Module) -> list[Any]:
    own = [value_of(leaf) for value in vars(module).values() for leaf in tree.flatten(value)[0]]
    found = [x for x in own if isinstance(x, np.ndarray)]
    return found + [x for _, child in module.children() for x in _arrays(child)]


def _samples(x: Any, inputs: int) -> tuple[Dataset, int]:
    """A data set of what is given, and how many arrays of its batches the model takes."""
    if callable(getattr(x, "batch", None)) and hasattr(x, "__len__"):
        dataset: Dataset = x
        return dataset, inputs
    arrays = x if isinstance(x, tuple) else (x,)
    try:
        return ArrayData(*arrays), len(arrays)
    except DataError as error:
        raise ShapeError(
            f"predict: {kind_of(x)} where samples are wanted: {error.message}",
            remedy="Give an array, a tuple of arrays of one length, or a data set.",
        ) from None


def _rows(op: str, output: Any, rows: int) -> Any:
    if not isinstance(output, np.ndarray) or not output.ndim or len(output) != rows:
        shape = f"an array of shape {output.shape}" if isinstance(output, np.ndarray) else kind_of(output)
        raise ShapeError(
            f"{op}: an output is {shape} where one row for each of {rows} samples is wanted",
            remedy="Return arrays whose first axis is the sample.",
        )
    return output
