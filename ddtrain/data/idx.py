"""IDX, the format of MNIST and its relatives: two zero bytes, a type, the number of axes, their lengths, the values.

Nothing is allocated on the word of a header alone: its lengths are checked against the shape that is wanted, a
limit, and what the file can hold.
"""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ddtrain.data.files import LIMIT_BYTES, most_bytes, opened
from ddtrain.errors import DataError

_TYPES = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}


def read_idx(path: str | Path, item: tuple[int, ...], limit_bytes: int = LIMIT_BYTES) -> NDArray[np.uint8]:
    """Read unsigned bytes from an IDX file, plain or gzip.

    Parameters
    ----------
    path : the file
    item : shape of one sample: ``(28, 28)`` for images, ``()`` for labels
    limit_bytes : largest content to accept

    Returns
    -------
    (N, *item) array of its own.

    Raises
    ------
    DataError : the file cannot be read, is not IDX of this shape, ends early, or goes on after the last value.

    References
    ----------
    Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, "The IDX file format".

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(bytes([0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]))
    ...     file.flush()
    ...     read_idx(file.name, item=(3,))
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8)
    """
    with opened(path) as stream:
        shape = _header(stream, path, item)
        size, held = prod(shape), most_bytes(path)
        if size > limit_bytes:
            raise DataError(f"{path}: expected at most {limit_bytes} bytes, found a header that claims {size}")
        if size > held:
            raise DataError(f"{path}: expected {size} bytes after the header {shape}, found a file of at most {held}")
        values = np.empty(size, np.uint8)
        got = _read_into(stream, values)
        if got < size:
            raise DataError(f"{path}: expected {size} bytes after the header {shape}, found {got}: the file ends early")
        if stream.read(1):  # reading past the end also makes gzip verify its checksum
            raise DataError(f"{path}: expected the end after {size} bytes for {shape}, found more")
    return values.reshape(shape)


def _header(stream: BinaryIO, path: str | Path, item: tuple[int, ...]) -> tuple[int, ...]:
    magic, axes = stream.read(4), 1 + len(item)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise DataError(f"{path}: expected an IDX file (00 00 08 {axes:02x} ...), found {magic.hex(' ') or 'nothing'}")
    if magic[2] != 0x08:
        raise DataError(f"{path}: expected IDX values of type uint8, found {_TYPES[magic[2]]}")
    if magic[3] != axes:
        raise DataError(f"{path}: expected {axes} axes, (N, {', '.join(map(str, item))}), found {magic[3]}")
    lengths = stream.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DataError(f"{path}: expected a header of {4 + 4 * axes} bytes, found {4 + len(lengths)}")
    shape = struct.unpack(f">{axes}I", lengths)
    if shape[1:] != item:
        raise DataError(f"{path}: expected samples of shape {item}, found {shape[1:]}")
    return shape


def _read_into(stream: BinaryIO, values: NDArray[np.uint8]) -> int:
    view, got = values.data, 0
    while got < len(view):
        read = stream.readinto(view[got:])  # type: ignore[attr-defined]
        if not read:
            break
        got += read
    return got


def check_labels(labels: NDArray[np.uint8], classes: int, images: int, path: str | Path) -> None:
    """One label in [0, classes) for each image, or a DataError that names the first that is not."""
    if len(labels) != images:
        raise DataError(f"{path}: expected a label for each of {images} images, found {len(labels)}")
    outside = np.flatnonzero(labels >= classes)
    if outside.size:
        first = int(outside[0])
        raise DataError(f"{path}: expected labels 0 to {classes - 1}, found {labels[first]} at position {first}")
