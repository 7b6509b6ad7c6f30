"""Numbers and texts from a CSV file in one pass; whatever is no number is named with its line and column."""

# N rows
from __future__ import annotations

import csv
import io
import math
from array import array
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.files import opened
from ddtrain.errors import DataError, UsageError, quoted
from ddtrain.suggestions import did_you_mean

MISSING = frozenset(("", "?", "-", "na", "n/a", "nan", "null", "none"))  # in lower case
Missing = str | float  # "error", "drop", or a number


def read_csv(
    path: str | Path,
    columns: Sequence[str] = (),
    *,
    required: Sequence[str] = (),
    texts: Collection[str] = (),
    missing: Missing = "error",
    delimiter: str = ",",
    header: bool = True,
) -> dict[str, NDArray[Any]]:
    """Columns of a CSV file by name: (N,) float64 each, and texts for the columns that are said to hold them.

    Parameters
    ----------
    path : the file, UTF-8, plain or gzip
    columns : the names of those to read; by default all
    required : names that there must be, where all columns are read
    texts : the names of columns that hold texts
    missing : what a cell without a value does (empty, NA, NaN, null or ?): ``"error"``; ``"drop"``, which leaves out
        its row; or a number to stand there
    delimiter : between cells
    header : whether the first row has the names; without it they are "0", "1", ...

    Raises
    ------
    DataError : the file cannot be read, has no such column, a row of another length, or a cell that is no number; with
        its line, and of missing values their count, too

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w") as file:
    ...     _ = file.write("size,rooms,price\\n70,3,1.5\\n120,,2.5\\n")
    ...     file.flush()
    ...     print(read_csv(file.name, ["price", "rooms"], missing="drop"))
    ...     read_csv(file.name)
    Traceback (most recent call last):
    ddtrain.errors.DataError: ...: line 3, column 'rooms': no value; it is the first of 1
      Give missing='drop' to leave out such rows, or a number to stand there.
    """
    if isinstance(missing, str) and missing not in ("error", "drop"):
        raise UsageError(f"read_csv: missing {quoted(missing)}", remedy="Give 'error', 'drop' or a number.")
    if len(delimiter) != 1:
        raise UsageError(f"read_csv: delimiter {quoted(delimiter)}", remedy="Give one character.")
    with opened(path) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", newline="")  # utf-8-sig: the mark that some programs write
        try:
            rows = csv.reader(lines, delimiter=delimiter, strict=True)
            return _Table(path, rows, columns, [*required, *texts], texts, missing, header).read()
        except csv.Error as error:
            raise DataError(f"{path}: expected a CSV file: {error}") from None
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x}",
                remedy="Save it as UTF-8.",
            ) from None
        finally:
            lines.detach()


class _Table:
    """A file that is being read."""

    def __init__(
        self,
        path: Any,
        rows: Any,
        columns: Sequence[str],
        required: Sequence[str],
        texts: Collection[str],
        missing: Missing,
        header: bool,
    ) -> None:
        self.path, self.rows, self.missing, self.missed, self.first_missed = path, rows, missing, 0, ""
        first = next(rows, None)
        if not first:
            raise DataError(f"{path}: expected a CSV file, found no first line")
        self.names = [name.strip() for name in first] if header else [str(k) for k in range(len(first))]
        self.pending = [] if header else [first]
        self._check_header(header)
        self.wanted = list(columns) or self.names
        self.places = [self._place(name, rows.dialect.delimiter) for name in self.wanted]
        self.is_text = [name in texts for name in self.wanted]
        for name in required:
            self._place(name, rows.dialect.delimiter)

    def _check_header(self, header: bool) -> None:
        if header and all(_is_number(name) for name in self.names):
            raise DataError(
                f"{self.path}: expected names in the first line, found the numbers {quoted(self.names)}",
                remedy="Give header=False, and the columns' numbers as their names.",
            )
        twice = next((name for name in self.names if self.names.count(name) > 1), None)
        if twice is not None:
            raise DataError(f"{self.path}: two columns have the name {quoted(twice)}", remedy="Rename one.")

    def _place(self, name: str, delimiter: str) -> int:
        if name in self.names:
            return self.names.index(name)
        other = next((mark for mark in ";\t|," if mark != delimiter and mark in self.names[0]), "")
        if len(self.names) == 1 and other:
            hint = f"Give delimiter={other!r}."
        else:
            hint = f"{did_you_mean(name, self.names)} There is {', '.join(self.names)}.".lstrip()
        raise DataError(f"{self.path}: there is no column {quoted(name)}", remedy=hint)

    def read(self) -> dict[str, NDArray[Any]]:
        found: list[Any] = [[] if is_text else array("d") for is_text in self.is_text]
        for line, row in self._lines():
            texts = [row[place] for place in self.places]
            cells = self._numbers(texts) or [self._cell(text, line, k) for k, text in enumerate(texts)]
            if None in cells:
                continue
            for column, cell in zip(found, cells):
                column.append(cell)
        if self.missed and self.missing == "error":
            raise DataError(
                f"{self.path}: {self.first_missed}: no value; it is the first of {self.missed}",
                remedy="Give missing='drop' to leave out such rows, or a number to stand there.",
            )
        if not len(found[0]):
            raise DataError(f"{self.path}: expected rows with values, found none")
        return {
            name: np.array(column, np.str_) if is_text else np.frombuffer(column, np.float64).copy()
            for name, column, is_text in zip(self.wanted, found, self.is_text)
        }

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        yield from ((1, row) for row in self.pending)
        for row in self.rows:
            if not row:  # an empty line, such as the last one
                continue
            if len(row) != len(self.names):
                raise DataError(
                    f"{self.path}: line {self.rows.line_num}: expected {len(self.names)} cells, found {len(row)}"
                )
            yield self.rows.line_num, row

    def _numbers(self, texts: list[str]) -> list[float]:
        """All values of a row that has nothing else, which is much quicker; none of any other."""
        try:
            found = [] if any(self.is_text) else list(map(float, texts))
        except ValueError:
            return []
        return [] if any(map(math.isnan, found)) else found

    def _cell(self, text: str, line: int, k: int) -> Any:
        """The value, or None of a row to leave out."""
        stripped = text.strip()
        if self.is_text[k] and stripped:
            return stripped
        if stripped.lower() in MISSING:
            self.missed += 1
            self.first_missed = self.first_missed or f"line {line}, column {quoted(self.wanted[k])}"
            number = None if isinstance(self.missing, str) else float(self.missing)
            return number if number is None or not self.is_text[k] else text
        try:
            return float(stripped)
        except ValueError:
            raise DataError(
                f"{self.path}: line {line}, column {quoted(self.wanted[k])}: {quoted(stripped)} is not a number",
                remedy="Name the columns to read, without it; or its texts as classes, if it is the target.",
            ) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
