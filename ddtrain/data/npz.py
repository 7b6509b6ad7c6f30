"""Arrays from an ``.npz`` archive, of the names, types and shapes that are wanted, and never a pickle.

Reads each member's header first and checks it against the archive's own directory, so that neither a pickle nor a
header that claims terabytes is acted upon.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import DTypeLike, NDArray

from ddtrain.data.files import AGAIN, LIMIT_BYTES, MAX_INFLATION
from ddtrain.errors import DataError, first_line

Spec = tuple[DTypeLike, tuple[int | str, ...]] | None


def read_npz(path: str | Path, wanted: Mapping[str, Spec], limit_bytes: int = LIMIT_BYTES) -> dict[str, NDArray[Any]]:
    """Read named arrays from an ``.npz`` file.

    Parameters
    ----------
    path : the file, compressed or not
    wanted : for each name its dtype and shape, where a letter stands for any length, the same wherever it occurs; or
        None for any dtype and shape
    limit_bytes : largest array to accept

    Raises
    ------
    DataError : the file cannot be read, is damaged, lacks a name, needs pickle, or holds another dtype or shape.

    >>> from ddtrain.data import EMBEDDED
    >>> arrays = read_npz(EMBEDDED / "digits.npz", {"x": ("uint8", ("N", 8, 8)), "y": ("uint8", ("N",))})
    >>> arrays["x"].shape
    (1797, 8, 8)
    """
    lengths: dict[str, int] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _member(archive, path, name, spec, lengths, limit_bytes) for name, spec in wanted.items()}
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        damage = f"expected a sound .npz archive, found it damaged ({first_line(error)})"
        raise DataError(f"{path}: {damage}", remedy=AGAIN) from None
    except (NotImplementedError, RuntimeError) as error:  # an unsupported compression, or a password
        raise DataError(f"{path}: expected an .npz archive as NumPy writes it: {first_line(error)}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _member(
    archive: zipfile.ZipFile, path: str | Path, name: str, spec: Spec, lengths: dict[str, int], limit_bytes: int
) -> NDArray[Any]:
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        found = ", ".join(member.removesuffix(".npy") for member in archive.namelist()[:8]) or "nothing"
        raise DataError(f"{path}: expected an array {name!r}, found {found}") from None
    place = f"{path}: array {name!r}"
    with archive.open(info) as stream:
        shape, fortran, dtype = _header(stream, place)
        if spec is not None:
            _compare(place, spec, shape, dtype, lengths)
        size = prod(shape) * dtype.itemsize
        if size > min(limit_bytes, info.compress_size * MAX_INFLATION) or stream.tell() + size != info.file_size:
            raise DataError(f"{place}: expected {size} bytes of values, found a member of {info.file_size} bytes")
        values = np.frombuffer(bytearray(stream.read()), dtype)
    if values.nbytes != size:
        raise DataError(f"{place}: expected {size} bytes of values, found {values.nbytes}")
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)


def _header(stream: IO[bytes], place: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except OSError:  # errors of the archive or the disk are handled further out
        raise
    except Exception as error:  # the header is a Python expression, whose parsers can raise almost anything
        raise DataError(f"{place}: expected NumPy's .npy format: {first_line(error)}") from None
    if dtype.hasobject:
        raise DataError(
            f"{place} holds Python objects, which need pickle", remedy="Pickles can run code: save plain arrays."
        )
    return shape, fortran, dtype


def _compare(
    place: str,
    spec: tuple[DTypeLike, tuple[int | str, ...]],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    lengths: dict[str, int],
) -> None:
    wanted_dtype, wanted = np.dtype(spec[0]), spec[1]
    if dtype != wanted_dtype:
        raise DataError(f"{place}: expected dtype {wanted_dtype}, found {dtype}")
    known = tuple(lengths.get(n, n) if isinstance(n, str) else n for n in wanted)
    if len(shape) != len(known) or any(isinstance(n, int) and n != m for n, m in zip(known, shape, strict=True)):
        raise DataError(f"{place}: expected shape ({', '.join(map(str, known))}), found {shape}")
    lengths.update((n, m) for n, m in zip(known, shape, strict=True) if isinstance(n, str))
