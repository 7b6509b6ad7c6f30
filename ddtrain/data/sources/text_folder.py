"""Texts from files: those of a folder for a language model, and those in a folder a class for a classifier."""

# N texts, T tokens
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.checksum import checksum
from ddtrain.data.extremes import extreme_rows
from ddtrain.data.files import read_text
from ddtrain.data.sources.class_folders import class_files, files_in, listed
from ddtrain.data.text import Vocabulary, words
from ddtrain.errors import DataError, UsageError, quoted


def read_texts(root: str | Path) -> dict[str, str]:
    """All files of a folder and those inside, UTF-8, plain or gzip, by their path in it: what ``corpus`` takes.

    Raises
    ------
    DataError : there are none, or some cannot be read: all of these are listed

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a.txt").write_text("to be")
    >>> read_texts(root)
    {'a.txt': 'to be'}
    """
    top = Path(os.path.expanduser(root))
    try:
        paths = files_in(top)
    except OSError as error:
        raise DataError(f"{root}: cannot be read: {error.strerror or error}") from None
    if not paths:
        raise DataError(f"{root}: expected files with texts, found none")
    return {path.relative_to(top).as_posix(): text for path, text in zip(paths, _texts_of(top, paths))}


def _texts_of(root: Path, paths: Sequence[Path]) -> list[str]:
    texts, bad = [], []
    for path in paths:
        try:
            texts.append(read_text(path))
        except DataError as error:
            bad.append((path, error.message.removeprefix(f"{path}: ")))
    if bad:
        named, reasons = zip(*bad)
        raise DataError(
            f"{root}: {len(bad)} of {len(paths)} texts cannot be read: {listed(root, named, reasons)}",
            remedy="Save them as UTF-8, or remove them.",
        )
    return texts


class TextFolder:
    """Texts as token numbers (N, T) int64, with their classes (N,) int64: each folder in ``root`` is a class.

    Longer texts are cut off; shorter ones are filled with 0, the number of ``<unk>``.

    Parameters
    ----------
    root : the folder of folders; each file is a text, UTF-8, plain or gzip
    length : T
    tokenize : :func:`ddtrain.data.words` or :func:`ddtrain.data.characters`
    vocabulary : of the training data; by default made of these texts
    min_count : rarer tokens have no number of their own in a vocabulary that is made
    classes : names in order, such as those of the training data; by default the folders', sorted

    Attributes
    ----------
    vocabulary, classes : which ``Task(fitted={"vocabulary": data.vocabulary, ...})`` stores in the run

    Raises
    ------
    DataError : texts that cannot be read: all are listed

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name, text in {"glad/1.txt": "good, good", "sad/1.txt": "not good"}.items():
    ...     (root / name).parent.mkdir()
    ...     _ = (root / name).write_text(text)
    >>> data = TextFolder(root, length=4)
    >>> data.batch(np.array([0, 1]))
    (array([[1, 2, 1, 0],
           [3, 1, 0, 0]]), array([0, 1]))
    """

    def __init__(
        self,
        root: str | Path,
        length: int,
        *,
        tokenize: Callable[[str], list[str]] = words,
        vocabulary: Vocabulary | None = None,
        min_count: int = 1,
        classes: Sequence[str] = (),
    ) -> None:
        if length < 1:
            raise UsageError(f"TextFolder: length {quoted(length)}", remedy="Give at least one token.")
        files = class_files(root, classes)
        tokens = [tokenize(text) for text in _texts_of(files.root, files.paths)]
        self.paths, self.labels, self.classes = files.paths, files.labels, files.classes
        self.vocabulary = vocabulary or Vocabulary((token for text in tokens for token in text), min_count)
        self._ids_NT = np.zeros((len(tokens), length), np.int64)
        for row, text in zip(self._ids_NT, tokens):
            row[: min(len(text), length)] = self.vocabulary.encode(text[:length])

    def __len__(self) -> int:
        return len(self.labels)

    def fingerprint(self) -> str:
        """A checksum of all tokens and classes, and of the vocabulary."""
        return checksum([self._ids_NT, self.labels, np.array([*self.vocabulary.tokens, *self.classes])])

    def extremes(self) -> NDArray[np.int64]:
        """The samples with the outermost tokens and classes: see :mod:`ddtrain.data.extremes`."""
        return extreme_rows([self._ids_NT, self.labels])

    def batch(self, indices: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Token numbers and classes of the texts at these places."""
        return self._ids_NT[indices], self.labels[indices]
