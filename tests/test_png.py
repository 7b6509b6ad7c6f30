"""PNG files: another reader sees the pixels that were written."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import png
from ddtrain.errors import ShapeError

image = pytest.importorskip("matplotlib.image", reason="matplotlib (extra plots) reads the files")


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 5, 3)])
def test_another_reader_sees_the_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape)
    seen = np.rint(255 * image.imread(io.BytesIO(png.encode(pixels))))
    np.testing.assert_array_equal(seen, pixels)


@pytest.mark.parametrize("layout", [lambda x: x[::2].T, lambda x: x.astype(np.float32)[:, ::-1], lambda x: x.tolist()])
def test_any_layout_and_type(layout: Any) -> None:
    pixels = layout(np.random.default_rng(1).integers(0, 256, (6, 4)))
    np.testing.assert_array_equal(np.rint(255 * image.imread(io.BytesIO(png.encode(pixels)))), np.asarray(pixels))


def test_values_beyond_are_limited_and_nan_is_black() -> None:
    seen = image.imread(io.BytesIO(png.encode([[-5.0, 300.0, np.nan, np.inf]])))
    np.testing.assert_array_equal(seen, [[0.0, 1.0, 0.0, 1.0]])


def test_checksums_cover_kind_and_data() -> None:
    data = png.encode(np.zeros((2, 2)))
    at, kinds = len(png.SIGNATURE), []
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body, check = data[at + 4 : at + 8 + size], data[at + 8 + size : at + 12 + size]
        assert struct.unpack(">I", check)[0] == zlib.crc32(body)
        kinds.append(body[:4])
        at += 12 + size
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 4), (0, 3), (2, 2, 3, 1)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="no picture of shape"):
        png.encode(np.zeros(shape))


def test_files_are_known_by_their_beginning(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png.encode([[1]]))
    (tmp_path / "b.png").write_bytes(b"GIF89a")
    assert png.is_png(tmp_path / "a.png")
    assert not png.is_png(tmp_path / "b.png")
