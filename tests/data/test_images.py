"""The data sets have the shapes, counts and figures that are promised, and a directory of IDX files wins."""

import gzip
import struct

import numpy as np
import pytest

from ddtrain.data import digits, fashion_mnist, images
from ddtrain.errors import DataError

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@pytest.fixture
def root(tmp_path):
    """A directory with 5 + 3 images, two of the files gzip."""
    r = np.random.default_rng(0)
    for i, (name, n) in enumerate(zip(NAMES, (5, 5, 3, 3), strict=True)):
        array = r.integers(0, 10, (n, 28, 28) if "images" in name else n).astype(np.uint8)
        data = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
        path = tmp_path / (name + (".gz" if i % 2 else ""))
        path.write_bytes(gzip.compress(data) if i % 2 else data)
    return tmp_path


def test_the_part_in_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(images, "DEBIAN", tmp_path)
    x, y, x_test, y_test, source = fashion_mnist()
    assert x.shape == (6000, 28, 28, 1)
    assert x_test.shape == (1000, 28, 28, 1)
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert set(y) == set(y_test) == set(range(10))
    assert abs(x.mean() / 255 - 0.2860) < 0.005  # the figures of all 60,000; a tenth of them is within a percent
    assert abs(x.std() / 255 - 0.3530) < 0.005
    assert source == "Fashion-MNIST, the part in the package: 6,000 + 1,000 images"


def test_files_under_root(root):
    data = fashion_mnist(root)
    assert data.x_train.shape == (5, 28, 28, 1)
    assert data.y_test.shape == (3,)
    assert str(root) in data.source


def test_the_system_directory(root, monkeypatch):
    monkeypatch.setattr(images, "DEBIAN", root)
    (root / NAMES[0]).rename(root / f"{NAMES[0]}.gz")  # told by content, not by name
    (root / NAMES[2]).rename(root / f"{NAMES[2]}.gz")
    assert len(fashion_mnist().x_train) == 5


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(root, name):
    for path in root.glob(f"{name}*"):
        path.unlink()
    with pytest.raises(DataError, match=f"expected {name}"):
        fashion_mnist(root)


def test_counts_and_labels_are_checked(root):
    labels = root / f"{NAMES[1]}.gz"
    labels.write_bytes(struct.pack(">HBBI", 0, 8, 1, 4) + bytes(4))
    with pytest.raises(DataError, match="a label for each of 5 images, found 4"):
        fashion_mnist(root)
    labels.write_bytes(struct.pack(">HBBI", 0, 8, 1, 5) + bytes([0, 1, 200, 3, 4]))
    with pytest.raises(DataError, match="found 200 at position 2"):
        fashion_mnist(root)


def test_nothing_to_train_on(root):
    (root / NAMES[0]).write_bytes(struct.pack(">HBB3I", 0, 8, 3, 0, 28, 28))
    (root / f"{NAMES[1]}.gz").write_bytes(struct.pack(">HBBI", 0, 8, 1, 0))
    with pytest.raises(DataError, match="images to train on, found none"):
        fashion_mnist(root)


def test_digits_are_split_the_same_way_for_ever():
    x, y, x_test, y_test, _ = digits()
    assert x.shape == (1437, 8, 8, 1)
    assert x_test.shape == (360, 8, 8, 1)
    assert x.max() == 16
    assert len({image.tobytes() for image in np.concatenate([x, x_test])}) == 1797  # none twice, none lost
    assert set(y) == set(y_test) == set(range(10))
    np.testing.assert_array_equal(digits().y_test, y_test)
