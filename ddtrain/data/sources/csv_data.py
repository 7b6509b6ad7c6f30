"""A CSV file as a data set: columns of numbers for inputs, and others, by name, for what is predicted."""

# N rows, D input columns, K target columns
from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.arrays import ArrayData
from ddtrain.data.sources.csv_table import Missing, read_csv
from ddtrain.data.sources.names import Names
from ddtrain.errors import DataError, UsageError, quoted


class CsvData(ArrayData):
    """Inputs (N, D) and targets, (N,) of one column and (N, K) of several; float64, which a run casts to its dtype.

    Parameters
    ----------
    path : the file, UTF-8, plain or gzip; read in one pass
    targets : the column that is predicted, or several
    inputs : the columns of the inputs, in their order; by default all others
    classes : the target is a class: True to number its values as they are sorted, or their names in order, such as
        those of the training data. Targets are int64 then
    transform : of batches of inputs, as of :class:`ddtrain.data.ArrayData`
    missing, delimiter, header : as of :func:`ddtrain.data.read_csv`

    Attributes
    ----------
    columns, targets, classes : names, which ``Task(fitted={"columns": data.columns})`` stores in the run; classes are
        empty if targets are numbers

    Raises
    ------
    DataError : what :func:`ddtrain.data.read_csv` refuses, or a class that is not among those given

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("size,rooms,kind\\n70,3,flat\\n120,5,house\\n")
    ...     file.flush()
    ...     data = CsvData(file.name, targets="kind", classes=True)
    >>> data.batch(np.array([1])), list(data.columns), list(data.classes)
    ((array([[120.,   5.]]), array([1])), ['size', 'rooms'], ['flat', 'house'])
    """

    def __init__(
        self,
        path: str | Path,
        targets: str | Sequence[str],
        inputs: Sequence[str] = (),
        *,
        classes: bool | Sequence[str] = False,
        transform: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
        missing: Missing = "error",
        delimiter: str = ",",
        header: bool = True,
    ) -> None:
        names = [targets] if isinstance(targets, str) else list(targets)
        if not names or (classes and len(names) > 1) or set(names) & set(inputs):
            raise UsageError(
                f"CsvData: targets {quoted(targets)}, inputs {quoted(list(inputs))}",
                remedy="Give one target at least, one alone if it is a class, and none that is an input.",
            )
        named = classes is not False
        table = read_csv(
            path,
            [*inputs, *names] if inputs else (),
            required=names,
            texts=names if named else (),
            missing=missing,
            delimiter=delimiter,
            header=header,
        )
        self.columns = Names(inputs or [name for name in table if name not in names])
        if not self.columns:
            raise DataError(f"{path}: expected columns beside the targets {quoted(names)}, found none")
        self.targets = Names(names)
        self.classes = Names()
        y: NDArray[Any] = np.stack([table[name] for name in names], axis=1)
        if named:
            self.classes = Names(np.unique(y).tolist() if isinstance(classes, bool) else classes)
            y = self._numbered(path, y)
        super().__init__(
            np.stack([table[name] for name in self.columns], axis=1),
            y[:, 0] if len(names) == 1 else y,
            transform=transform,
        )

    def _numbered(self, path: str | Path, y: NDArray[Any]) -> NDArray[np.int64]:
        try:
            return self.classes.encode(y[:, 0].tolist())[:, None]
        except UsageError as error:
            raise DataError(f"{path}: column {quoted(self.targets[0])}: {error.message}", remedy=error.remedy) from None
