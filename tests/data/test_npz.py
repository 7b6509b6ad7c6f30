"""Archives as NumPy writes them read back; pickles, bombs and surprises are refused before they are acted upon."""

import io
import zipfile

import numpy as np
import pytest

from ddtrain.data import read_npz
from ddtrain.errors import DataError

X, Y = np.arange(12, dtype=np.uint8).reshape(3, 4), np.array([0, 1, 2])
WANTED = {"x": ("uint8", ("N", 4)), "y": ("int64", ("N",))}


class Trap:
    """Its pickle raises when it is loaded."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(f"{name}.npy", content)
    return path


def npy(shape, dtype="|u1", values=b"", magic=b"\x93NUMPY\x01\x00"):
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return magic + len(header).to_bytes(2, "little") + header + values


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_sound_archive_reads_back(tmp_path, save):
    save(tmp_path / "a.npz", x=X, y=Y, more=np.zeros(2))
    arrays = read_npz(tmp_path / "a.npz", WANTED)
    assert list(arrays) == ["x", "y"]
    np.testing.assert_array_equal(arrays["x"], X)
    np.testing.assert_array_equal(arrays["y"], Y)
    assert arrays["x"].flags.writeable


def test_fortran_order_empty_and_0d(tmp_path):
    path = npz(tmp_path / "a.npz", f=np.asfortranarray(X), e=np.zeros((0, 4)), s=np.float32(3))
    arrays = read_npz(path, {"f": ("uint8", (3, 4)), "e": ("float64", ("N", 4)), "s": ("float32", ())})
    np.testing.assert_array_equal(arrays["f"], X)
    assert arrays["e"].shape == (0, 4)
    assert arrays["s"] == 3


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x": X}, "expected an array 'y', found x"),
        ({"x": X, "y": Y.astype(np.int32)}, "array 'y': expected dtype int64, found int32"),
        ({"x": X, "y": Y[:2]}, r"array 'y': expected shape \(3\), found \(2,\)"),
        ({"x": X[:, :3], "y": Y}, r"array 'x': expected shape \(N, 4\), found \(3, 3\)"),
        ({"x": X[0], "y": Y}, r"array 'x': expected shape \(N, 4\), found \(4,\)"),
        ({"x": np.array([Trap()], object), "y": Y}, "array 'x' holds Python objects, which need pickle"),
    ],
    ids=["missing", "dtype", "count", "shape", "axes", "pickle"],
)
def test_surprises_are_named(tmp_path, arrays, complaint):
    path = npz(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=complaint) as caught:
        read_npz(path, WANTED)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.one_line


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"junk",
        npy((3, 4), magic=b"\x93NUMPY\x07\x00"),
        npy((3, 4)),
        npy((3, 4), values=bytes(11)),
        npy((3, 4), values=bytes(13)),
        npy((10**13, 4), values=bytes(12)),
        npy((-3, 4), values=bytes(12)),
        npy("__import__('os')", values=bytes(12)),
        npy((3, 4), dtype="nonsense", values=bytes(12)),
        b"\x80\x04\x95" + bytes(40),
    ],
)
def test_unsound_members(tmp_path, member):
    with pytest.raises(DataError, match=r"a\.npz: array 'x'"):
        read_npz(archive(tmp_path / "a.npz", x=member), {"x": ("uint8", ("N", 4))})


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = archive(tmp_path / "a.npz", x=npy((5_000_000, 4), values=bytes(20_000_000)))
    with pytest.raises(DataError, match="expected 20000000 bytes"):
        read_npz(path, {"x": ("uint8", ("N", 4))}, limit_bytes=10_000_000)


def test_every_flipped_byte_is_refused_or_harmless(tmp_path):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=X, y=Y)
    data, path = buffer.getvalue(), tmp_path / "a.npz"
    for at in range(len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :])
        try:
            arrays = read_npz(path, WANTED)
        except DataError:
            continue
        np.testing.assert_array_equal(arrays["x"], X)  # a byte without meaning, such as the date of a member
        np.testing.assert_array_equal(arrays["y"], Y)


def test_truncated_foreign_and_missing_files(tmp_path):
    path = npz(tmp_path / "a.npz", x=X, y=Y)
    data = path.read_bytes()
    for bad in (b"", b"not a zip", data[: len(data) // 2]):
        path.write_bytes(bad)
        with pytest.raises(DataError, match=r"expected a sound \.npz archive"):
            read_npz(path, WANTED)
    with pytest.raises(DataError, match="cannot be read"):
        read_npz(tmp_path / "missing.npz", WANTED)
