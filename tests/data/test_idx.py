"""A sound file reads back; every way of being unsound is a DataError in one line that names the file."""

import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from ddtrain.data import read_idx
from ddtrain.data.idx import check_labels
from ddtrain.errors import DataError

IMAGES = np.arange(5 * 3 * 2, dtype=np.uint8).reshape(5, 3, 2)


def idx(array, *, kind=8, axes=None, shape=None):
    shape = array.shape if shape is None else shape
    axes = len(shape) if axes is None else axes
    return struct.pack(f">HBB{len(shape)}I", 0, kind, axes, *shape) + array.tobytes()


def damage(data, at):
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


GOOD = idx(IMAGES)
ZIPPED = gzip.compress(GOOD, mtime=0)
BAD = {
    "empty": (b"", "found nothing"),
    "magic cut": (GOOD[:3], "expected an IDX file"),
    "wrong magic": (b"\x01" + GOOD[1:], r"\(00 00 08 03 ...\), found 01 00 08 03"),
    "text": (b"<html>not found</html>", "found 3c 68 74 6d"),
    "wrong type": (idx(IMAGES, kind=0x0D), "type uint8, found float32"),
    "wrong axes": (idx(IMAGES[0]), r"expected 3 axes, \(N, 3, 2\), found 2"),
    "header cut": (GOOD[:10], "expected a header of 16 bytes, found 10"),
    "wrong shape": (idx(IMAGES.reshape(5, 2, 3)), r"samples of shape \(3, 2\), found \(2, 3\)"),
    "values cut": (GOOD[:-1], "ends early|expected 30 bytes"),
    "trailing": (GOOD + b"\0", "expected the end after 30 bytes .* found more"),
    "size bomb": (idx(IMAGES, shape=(10**9, 3, 2)), "header that claims 6000000000"),
    "moderate bomb": (idx(IMAGES, shape=(10**7, 3, 2)), "found a file of at most 46"),
    "gzip cut": (ZIPPED[:-12], "found one cut off"),
    "gzip without checksum": (ZIPPED[:-8], "found one cut off"),
    "gzip damaged": (damage(ZIPPED, 14), "gzip data, found it damaged"),
    "gzip checksum": (damage(ZIPPED, len(ZIPPED) - 5), "gzip data, found it damaged"),
    "gzip header alone": (ZIPPED[:5], "found one cut off"),
    "gzip values cut": (gzip.compress(GOOD[:-1]), "found 29: the file ends early"),
    "gzip trailing": (gzip.compress(GOOD + b"\0"), "found more"),
    "gzip bomb": (gzip.compress(idx(IMAGES, shape=(10**7, 3, 2))), "expected 60000000 bytes"),
    "gzip garbage after": (ZIPPED + b"junk", "damaged"),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_sound_file_reads_back(tmp_path, pack):
    path = tmp_path / "images"
    path.write_bytes(pack(GOOD))
    array = read_idx(path, (3, 2))
    np.testing.assert_array_equal(array, IMAGES)
    assert array.dtype == np.uint8
    assert array.flags.writeable


def test_no_samples_and_scalar_samples(tmp_path):
    for shape in [(0, 3, 2), (0,), (7,)]:
        array = np.zeros(shape, np.uint8)
        (tmp_path / "x").write_bytes(idx(array))
        assert read_idx(tmp_path / "x", shape[1:]).shape == shape


@pytest.mark.parametrize("case", BAD)
def test_an_unsound_file_is_named_in_one_line(tmp_path, case):
    data, complaint = BAD[case]
    path = tmp_path / "images.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match=complaint) as caught:
        read_idx(path, (3, 2))
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message + caught.value.one_line
    assert caught.value.exit_code == 74


def test_every_truncation_is_refused(tmp_path):
    path = tmp_path / "images"
    for data in (GOOD, ZIPPED):
        for length in range(len(data)):
            path.write_bytes(data[:length])
            with pytest.raises(DataError):
                read_idx(path, (3, 2))


def test_a_missing_file_and_a_directory(tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_idx(path, (3, 2))


@pytest.mark.parametrize("claimed", [10**5, 10**9])
def test_a_header_alone_allocates_nothing(tmp_path, claimed):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx(IMAGES, shape=(claimed, 3, 2))))
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            read_idx(path, (3, 2))
        assert tracemalloc.get_traced_memory()[1] < 300_000  # buffers of gzip and of the file
    finally:
        tracemalloc.stop()


def test_labels_are_counted_and_bounded():
    labels = np.array([0, 9, 10], np.uint8)
    check_labels(labels[:2], 10, 2, "y")
    with pytest.raises(DataError, match="y: expected labels 0 to 9, found 10 at position 2"):
        check_labels(labels, 10, 3, "y")
    with pytest.raises(DataError, match="y: expected a label for each of 5 images, found 3"):
        check_labels(labels, 10, 5, "y")
