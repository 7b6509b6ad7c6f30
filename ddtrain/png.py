"""Arrays as PNG files, by the standard library's zlib: for pictures in reports, without a package for images.

H height, W width; values 0 to 255

References
----------
PNG specification, third edition (W3C, 2025), sections 5 and 11.
"""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ddtrain.errors import ShapeError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2  # types of colour


def encode(pixels: Any) -> bytes:
    """A PNG file of pixels.

    Parameters
    ----------
    pixels : (H, W) grey, or (H, W, 3) red, green and blue; numbers that are rounded, and limited to 0 to 255

    Raises
    ------
    ShapeError : of another shape, or without pixels

    >>> encode(np.zeros((2, 3)))[:8] == SIGNATURE
    True
    """
    x = np.asarray(pixels, float)
    if x.ndim not in (2, 3) or (x.ndim == 3 and x.shape[2] != 3) or x.size == 0:
        raise ShapeError(f"png: no picture of shape {x.shape}", remedy="Give (height, width), or (height, width, 3).")
    rows = np.clip(np.rint(np.nan_to_num(x)), 0, 255).astype(np.uint8).reshape(len(x), -1)
    filtered = np.hstack([np.zeros((len(x), 1), np.uint8), rows])  # each row begins with its filter: 0, none
    header = struct.pack(">IIBBBBB", x.shape[1], x.shape[0], 8, _GREY if x.ndim == 2 else _RGB, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 9)), (b"IEND", b"")
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def data_url(png: bytes) -> str:
    """A PNG file as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def is_png(path: Path) -> bool:
    """Whether a file begins as a PNG does."""
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE
