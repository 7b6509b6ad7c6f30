"""Pictures in a folder a class, read when a batch needs them; those that cannot be read are all named at the start."""

# N pictures, H height, W width, C channels
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.extremes import extreme_rows
from ddtrain.data.sources.class_folders import class_files, listed
from ddtrain.errors import DataError, UsageError, first_line, quoted

Pixels = NDArray[np.uint8]
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


class ImageFolder:
    """Pictures (N, H, W, C) uint8 with their classes (N,) int64: each folder in ``root`` is a class.

    Every file is a picture; one that is none, or damaged, is refused with all others before training begins, as one
    left out in silence would change the data. What begins with a dot is left alone.

    Parameters
    ----------
    root : the folder of folders
    size : (H, W) to which pictures are scaled, and cut at the edges that stick out; by default all have one size
    channels : 1 grey, 3 colours, 4 with transparency
    classes : names in order, such as those of the training data; by default the folders', sorted
    transform : of batches of pictures, such as ``Normalize(mean=127.5, std=127.5)``
    cache : keep all pictures in memory, N·H·W·C bytes, read at the start
    check : decode every picture at the start; False: only look at their headers, which for many is much quicker, and
        leaves damage inside to the step that meets it

    Attributes
    ----------
    classes : their names, which ``Task(fitted={"classes": data.classes})`` stores in the run
    paths, labels : the files, and their classes (N,)

    Raises
    ------
    UsageError : Pillow is not installed, or there is no such number of channels
    DataError : pictures that cannot be read, or are of several sizes: all are listed

    >>> import tempfile
    >>> import pytest
    >>> Image = pytest.importorskip("PIL.Image")
    >>> root = Path(tempfile.mkdtemp())
    >>> for name, grey in {"dark/1.png": 10, "light/1.png": 200}.items():
    ...     (root / name).parent.mkdir()
    ...     Image.new("L", (3, 2), grey).save(root / name)
    >>> data = ImageFolder(root, channels=1)
    >>> x, y = data.batch(np.array([1]))
    >>> x.shape, x.max(), y, list(data.classes)
    ((1, 2, 3, 1), np.uint8(200), array([1]), ['dark', 'light'])
    """

    def __init__(
        self,
        root: str | Path,
        size: tuple[int, int] | None = None,
        channels: int = 3,
        *,
        classes: Sequence[str] = (),
        transform: Callable[[Pixels], NDArray[Any]] | None = None,
        cache: bool = False,
        check: bool = True,
    ) -> None:
        if channels not in _MODES:
            raise UsageError(f"ImageFolder: {quoted(channels)} channels", remedy="Give 1, 3 or 4.")
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise UsageError(f"ImageFolder: size {quoted(size)}", remedy="Give (height, width) in pixels.")
        _pillow()
        self._files = class_files(root, classes)
        self.paths, self.labels, self.classes = self._files.paths, self._files.labels, self._files.classes
        self.channels, self.transform = channels, transform
        self._cached: Pixels | None = None
        self.size = size or _size_of(self.paths[0])
        self._read_all(check or cache, size is None, self._keep if cache else lambda k, pixels: None)

    def _read_all(self, decode: bool, one_size: bool, seen: Callable[[int, Pixels], None]) -> None:
        bad: list[tuple[Path, str]] = []
        for k, path in enumerate(self.paths):
            try:
                if one_size and (found := _size_of(path)) != self.size:
                    raise DataError(f"{found[0]} by {found[1]}, not {self.size[0]} by {self.size[1]}")
                if decode:
                    seen(k, self._pixels(path))
                else:
                    _size_of(path)
            except DataError as error:
                bad.append((path, error.message))
        if bad:
            paths, reasons = zip(*bad)
            raise DataError(
                f"{self._files.root}: {len(bad)} of {len(self.paths)} pictures cannot be used: "
                f"{listed(self._files.root, paths, reasons)}",
                remedy="Mend or remove them; of several sizes, give size=(height, width).",
            )

    def _keep(self, k: int, pixels: Pixels) -> None:
        if self._cached is None:
            self._cached = np.empty((len(self.paths), *self.size, self.channels), np.uint8)
        self._cached[k] = pixels

    def __len__(self) -> int:
        return len(self.paths)

    def fingerprint(self) -> str:
        """A checksum of the names and lengths of all files, and of the bytes of 256 of them, spread evenly."""
        return self._files.fingerprint(self.size, self.channels)

    def extremes(self) -> NDArray[np.int64]:
        """The samples with the outermost classes: see :mod:`ddtrain.data.extremes`."""
        return extreme_rows([np.empty(0), self.labels])

    def batch(self, indices: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Pictures and classes at these places, read from the disk unless they are kept.

        Raises
        ------
        DataError : a picture cannot be read any more
        """
        rows = np.asarray(indices, np.int64)
        x_NHWC = self._cached[rows] if self._cached is not None else self._read(self.paths[k] for k in rows)
        return (self.transform(x_NHWC) if self.transform else x_NHWC), self.labels[rows]

    def _read(self, paths: Iterable[Path]) -> Pixels:
        empty = np.empty((0, *self.size, self.channels), np.uint8)
        return np.concatenate([empty, *(self._named(path)[None] for path in paths)])

    def _named(self, path: Path) -> Pixels:
        try:
            return self._pixels(path)
        except DataError as error:
            raise DataError(f"{path}: cannot be read: {error.message}", remedy="Mend or remove it.") from None

    def _pixels(self, path: Path) -> Pixels:
        """(H, W, C)."""
        with _opened(path) as picture:
            found = picture.convert(_MODES[self.channels])
        height, width = self.size
        if found.size != (width, height):
            found = _pillow()[1].fit(found, (width, height), _pillow()[0].Resampling.BILINEAR)
        return np.array(found, np.uint8).reshape(height, width, self.channels)


class _opened:
    """A picture that is open; whatever is wrong with it is a DataError that says what, but not in which file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        try:
            self.picture = _pillow()[0].open(self.path)
        except Exception as error:
            self.__exit__(type(error), error, None)
            raise
        return self.picture

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if hasattr(self, "picture"):
            self.picture.close()
        if isinstance(error, Exception) and not isinstance(error, DataError):
            # decoders raise almost anything at damaged files: OSError, SyntaxError, struct.error, ValueError
            unknown = type(error).__name__ == "UnidentifiedImageError"
            raise DataError("no picture" if unknown else first_line(error)) from None


def _size_of(path: Path) -> tuple[int, int]:
    """(height, width), by the file's header."""
    with _opened(path) as picture:
        width, height = picture.size
        return height, width


def _pillow() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise UsageError("ImageFolder: Pillow is not installed", remedy="pip install 'ddtrain[images]'") from None
    return Image, ImageOps
