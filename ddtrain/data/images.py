"""The image data sets: Fashion-MNIST, whole or the part in the package, and the handwritten digits.

Pixels stay unsigned bytes until a batch is made: a quarter of the memory, and the same values on every rank.
"""

# N images, H height, W width, C = 1 channel
from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddtrain import rng
from ddtrain.data.idx import check_labels, read_idx
from ddtrain.data.npz import read_npz
from ddtrain.errors import DataError

EMBEDDED = Path(__file__).parent / "embedded"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where the Debian package dataset-fashion-mnist puts its files
CLASSES = 10
_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
_DIGITS_HELD_OUT = 360  # a fifth of 1,797


class Images(NamedTuple):
    """Training and test images (N, H, W, 1) uint8 with their classes (N,) int64, and where they came from.

    >>> images = digits()
    >>> images.x_train.dtype, images.source
    (dtype('uint8'), 'handwritten digits, in the package: 1,437 + 360 images')
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    source: str


def fashion_mnist(root: str | Path = "") -> Images:
    """Fashion-MNIST: 28 by 28 pixels from 0 to 255, ten kinds of clothing.

    Parameters
    ----------
    root : directory with the four IDX files, gzip or not; empty: Debian's if installed, else the 6,000 + 1,000
        images in the package

    Raises
    ------
    DataError : a file under ``root`` is missing or malformed.

    Notes
    -----
    The training pixels have mean 255 · 0.2860 and standard deviation 255 · 0.3530.

    References
    ----------
    H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms, arXiv:1708.07747.

    >>> fashion_mnist(EMBEDDED)  # no IDX files there
    Traceback (most recent call last):
    ddtrain.errors.DataError: ...: expected train-images-idx3-ubyte.gz or train-images-idx3-ubyte there, found neither
      Give --data.root the directory of the four IDX files, or leave it out.
    """
    if root:
        return _from_idx([_locate(Path(root), name) for name in _FILES], f"Fashion-MNIST from {root}")
    debian = [DEBIAN / f"{name}.gz" for name in _FILES]
    if all(path.exists() for path in debian):
        return _from_idx(debian, f"Fashion-MNIST from {DEBIAN}")
    return _embedded_fashion()


def _locate(root: Path, name: str) -> Path:
    for path in (root / f"{name}.gz", root / name):
        if path.exists():
            return path
    raise DataError(
        f"{root}: expected {name}.gz or {name} there, found neither",
        remedy="Give --data.root the directory of the four IDX files, or leave it out.",
    )


def _from_idx(paths: list[Path], source: str) -> Images:
    x_train, y_train, x_test, y_test = (
        read_idx(path, (28, 28) if "images" in path.name else ()) for path in paths
    )  # fmt: skip
    check_labels(y_train, CLASSES, len(x_train), paths[1])
    check_labels(y_test, CLASSES, len(x_test), paths[3])
    if not len(x_train):
        raise DataError(f"{paths[0]}: expected images to train on, found none")
    return _images(x_train, y_train, x_test, y_test, source)


def _embedded_fashion() -> Images:
    path = EMBEDDED / "fashion-mini-6000-1000.npz"
    arrays = read_npz(
        path,
        {
            "x_train": ("uint8", ("N", 28, 28)),
            "y_train": ("uint8", ("N",)),
            "x_test": ("uint8", ("M", 28, 28)),
            "y_test": ("uint8", ("M",)),
        },
    )
    return _images(**arrays, source="Fashion-MNIST, the part in the package")


def digits() -> Images:
    """Handwritten digits, 8 by 8 pixels from 0 to 16: 1,437 to train on and 360 held out, always the same ones.

    >>> data = digits()
    >>> data.x_train.shape, data.x_test.shape
    ((1437, 8, 8, 1), (360, 8, 8, 1))
    """
    arrays = read_npz(EMBEDDED / "digits.npz", {"x": ("uint8", ("N", 8, 8)), "y": ("uint8", ("N",))})
    x, y = arrays["x"], arrays["y"]
    order = rng.stream(0, "data/digits").permutation(len(x))  # the seed of the split is not the seed of the run
    test, train = order[:_DIGITS_HELD_OUT], order[_DIGITS_HELD_OUT:]
    return _images(x[train], y[train], x[test], y[test], "handwritten digits, in the package")


def _images(x_train: Any, y_train: Any, x_test: Any, y_test: Any, source: str) -> Images:
    source = f"{source}: {len(x_train):,} + {len(x_test):,} images"
    return Images(
        x_train[..., None], y_train.astype(np.int64), x_test[..., None], y_test.astype(np.int64), source
    )  # fmt: skip
