"""Samples from a file of the user's, .npy, .npz or .csv, and predictions to one."""

# N samples, K numbers of each

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain import tree
from ddtrain.data import read_csv
from ddtrain.data.files import opened
from ddtrain.errors import DataError, UsageError, first_line
from ddtrain.trainer import atomic_files

Array = NDArray[Any]
KINDS = (".csv", ".npy", ".npz")


def kind_of_file(path: Path) -> str:
    """The suffix of a file of samples.

    Raises
    ------
    UsageError : it is none of :data:`KINDS`
    """
    if path.suffix.lower() not in KINDS:
        raise UsageError(
            f"{path}: a file of another kind than {', '.join(KINDS)}", remedy="Give one of these suffixes."
        )
    return path.suffix.lower()


def read_samples(path: Path, columns: Sequence[str] = ()) -> Array:
    """The samples of a file, (N, ...).

    Parameters
    ----------
    path : .npy; .npz with one array, or one of the name x; or .csv, whose first line may have names of the columns
    columns : of a CSV with names, which to take, in this order; by default all

    Raises
    ------
    DataError : the file cannot be read, lacks a column, or holds something else than numbers, with line and column
    """
    kind = kind_of_file(path)
    if kind == ".csv":
        return _read_csv(path, columns)
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            x = _member(path, found) if kind == ".npz" else found
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except Exception as error:  # parsers of archives and headers raise almost anything
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: no sound {kind} file of plain arrays ({first_line(error)})") from None
    if not isinstance(x, np.ndarray) or not x.ndim or x.dtype.kind not in "biufc":
        raise DataError(f"{path}: expected an array of numbers with a row a sample")
    return x


def _member(path: Path, archive: Any) -> Array:
    names = list(archive)
    name = "x" if "x" in names else names[0] if len(names) == 1 else ""
    if not name:
        raise DataError(f"{path}: expected one array, or one called x, found {', '.join(names) or 'nothing'}")
    x: Array = archive[name]
    return x


def _read_csv(path: Path, columns: Sequence[str]) -> Array:
    named = _has_names(path)
    table = read_csv(path, columns if named else (), header=named)
    return np.stack(list(table.values()), axis=1)


def _has_names(path: Path) -> bool:
    """Whether the first line of a CSV holds something else than numbers."""
    with opened(path) as stream:
        first = stream.readline().decode("utf-8-sig", "replace")
    try:
        _ = [float(cell) for cell in next(csv.reader([first]), [])]
    except ValueError:
        return True
    return False


def write_predictions(path: Path, outputs: Any, names: Sequence[str] = ()) -> None:
    """Write what a model predicts: .npy, .csv of rows of numbers, or .npz, which also holds several arrays.

    Parameters
    ----------
    outputs : an array (N, ...), or a structure of arrays, which an .npz has as output_0, output_1, ...
    names : of K outputs, for the first line of a CSV; by default output_0, ...

    Raises
    ------
    UsageError : a file of another kind, or one that does not hold several arrays
    DataError : it cannot be written
    """
    kind, leaves = kind_of_file(path), tree.flatten(outputs)[0]
    if kind != ".npz" and len(leaves) != 1:
        raise UsageError(f"{path}: the model has {len(leaves)} outputs", remedy="Give a file with the suffix .npz.")
    file = io.BytesIO()
    if kind == ".npy":
        np.save(file, leaves[0], allow_pickle=False)
    elif kind == ".npz":
        single = len(leaves) == 1
        np.savez(file, **{"outputs" if single else f"output_{k}": x for k, x in enumerate(leaves)})
    else:
        file.write(_csv(leaves[0], names))
    atomic_files.replace(path, file.getvalue())


def _csv(x: Array, names: Sequence[str]) -> bytes:
    width = math.prod(x.shape[1:])  # not -1, which no samples leave open
    rows = x.reshape(len(x), width)
    heads = list(names) if len(names) == width else [f"output_{k}" for k in range(width)] if width > 1 else ["output"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([[str(number) for number in row] for row in rows])  # as many digits as the dtype needs
    return text.getvalue().encode()
