"""Opening data files, plain or gzip, so that whatever is wrong with one is a DataError in one line.

A file is told to be gzip by its first two bytes, not by its name.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ddtrain.errors import DataError

LIMIT_BYTES = 1 << 28  # 256 MiB unpacked; the 60,000 images of Fashion-MNIST are 47 MB
MAX_INFLATION = 1032  # deflate's limit: 258 bytes from 2 bits (zlib, "Maximum Compression Factor")


@contextmanager
def opened(path: str | Path) -> Iterator[BinaryIO]:
    """The unpacked content of a file as a stream.

    Raises
    ------
    DataError : the file cannot be read, or its gzip data is cut off or damaged.
    """
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not zipped:
                yield raw
                return
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast(BinaryIO, stream)
    except EOFError:
        raise DataError(f"{path}: expected a complete gzip file, found one cut off", remedy=AGAIN) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected gzip data, found it damaged ({error})", remedy=AGAIN) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


AGAIN = "Copy or download it again."


def most_bytes(path: str | Path) -> int:
    """Upper bound of the bytes that the file can hold, whatever its header claims."""
    with opened(path) as stream:
        zipped = isinstance(stream, gzip.GzipFile)
    return os.path.getsize(path) * (MAX_INFLATION if zipped else 1)


def read_text(path: str | Path, limit_bytes: int = LIMIT_BYTES) -> str:
    """The text of a UTF-8 file, plain or gzip, without the mark that may stand in front of it."""
    with opened(path) as stream:
        content = stream.read(min(limit_bytes, most_bytes(path)) + 1)
    if len(content) > limit_bytes:
        raise DataError(f"{path}: expected at most {limit_bytes} bytes of text, found more")
    try:
        return content.decode("utf-8-sig")  # utf-8-sig: some editors on Windows write a byte-order mark
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected UTF-8 text, found byte {error.object[error.start]:#04x} at {error.start}"
        ) from None
