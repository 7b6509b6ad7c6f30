"""What all data sets of files and iterators keep: places, order, empty shards, checksums, and the bits of any ranks."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ddtrain import nn, ops
from ddtrain.data import Concat, CsvData, Dataset, ImageFolder, IteratorData, MemoryMapped, NpzData, Subset, TextFolder
from ddtrain.data.checksum import fingerprint_of
from ddtrain.runs import fit
from ddtrain.trainer.task import Task

N = 11


def numbers(changed: bool = False) -> tuple[Any, Any]:
    x = np.random.default_rng(0).standard_normal((N, 3)).round(3)
    x[4, 1] += changed
    return x, np.arange(N) % 3


def csv(folder: Path, changed: bool) -> Dataset:
    x, y = numbers(changed)
    lines = ["a,b,c,kind", *(",".join([*map(str, row), "xyz"[label]]) for row, label in zip(x, y))]
    (folder / "data.csv.gz").write_bytes(gzip.compress("\r\n".join(lines).encode()))
    return CsvData(folder / "data.csv.gz", "kind", classes=True)


def npz(folder: Path, changed: bool) -> Dataset:
    x, y = numbers(changed)
    np.savez_compressed(folder / "data.npz", y=y, x=np.asfortranarray(x))
    return NpzData(folder / "data.npz", "x", "y")


def mapped(folder: Path, changed: bool) -> Dataset:
    x, y = numbers(changed)
    np.save(folder / "x0.npy", x[:4].astype(np.float32))
    np.save(folder / "x1.npy", x[4:4].astype(np.float32))  # a file without samples
    np.save(folder / "x2.npy", x[4:].astype(np.float32))
    np.save(folder / "y.npy", y)
    return MemoryMapped(sorted(folder.glob("x*.npy")), folder / "y.npy")


def joined(folder: Path, changed: bool) -> Dataset:
    x, y = numbers(changed)
    parts = []
    for k, rows in enumerate((slice(0, 5), slice(5, 5), slice(5, N))):
        np.savez(folder / f"{k}.npz", x=x[rows], y=y[rows])
        parts.append(NpzData(folder / f"{k}.npz", "x", "y"))
    return Concat(parts)


def subset(folder: Path, changed: bool) -> Dataset:
    return Subset(npz(folder, changed), np.array([9, 1, 2, 4, 3, 0, 10]))


def stream(folder: Path, changed: bool) -> Dataset:
    return IteratorData(lambda: zip(*numbers(changed)), directory=folder)


def pictures(folder: Path, changed: bool, **options: Any) -> Dataset:
    pixels = np.random.default_rng(0).integers(0, 256, (N, 4, 5, 3), np.uint8)
    pixels[4, 1, 1, 1] ^= changed
    for k, picture in enumerate(pixels):
        path = folder / "pictures" / "abc"[k % 3] / f"{k:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return ImageFolder(folder / "pictures", transform=lambda x: x / 255, **options)


def texts(folder: Path, changed: bool) -> Dataset:
    for k in range(N):
        path = folder / "texts" / "abc"[k % 3] / f"{k:02}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"word{k} and {'more' if changed and k == 4 else 'word'} " * ((k + 1) % 4))
    return TextFolder(folder / "texts", length=5)


SOURCES: dict[str, Callable[[Path, bool], Dataset]] = {
    "csv": csv,
    "npz": npz,
    "memory-mapped": mapped,
    "concat": joined,
    "subset": subset,
    "stream": stream,
    "pictures": pictures,
    "pictures-in-memory": lambda folder, changed: pictures(folder, changed, cache=True),
    "pictures-unchecked": lambda folder, changed: pictures(folder, changed, check=False),
    "texts": texts,
}


@pytest.fixture(params=SOURCES)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Dataset]:
    return lambda changed=False: SOURCES[request.param](tmp_path, changed)


def test_samples_come_in_the_order_that_is_asked_for(make: Callable[..., Dataset]) -> None:
    data = make()
    whole = data.batch(np.arange(len(data)))
    rows = np.random.default_rng(1).permutation(2 * len(data))[::2] % len(data)  # not contiguous, and some twice
    for asked in (rows, np.array([len(data) - 1]), np.arange(0, dtype=np.int64)):
        for got, all_rows in zip(data.batch(asked), whole, strict=True):
            assert (got.dtype, got.shape) == (all_rows.dtype, (len(asked), *all_rows.shape[1:]))
            np.testing.assert_array_equal(got, all_rows[asked])


def test_what_a_loss_does_to_a_batch_does_not_reach_the_data(make: Callable[..., Dataset]) -> None:
    data = make()
    before = data.batch(np.arange(3))
    for array in data.batch(np.arange(3)):
        array[...] = 0
    for again, array in zip(data.batch(np.arange(3)), before, strict=True):
        np.testing.assert_array_equal(again, array)


def test_the_fingerprint_is_of_the_content(make: Callable[..., Dataset]) -> None:
    first, again, other = fingerprint_of(make()), fingerprint_of(make()), fingerprint_of(make(changed=True))
    assert first == again != other
    assert first


def test_a_place_that_there_is_not_is_no_sample(make: Callable[..., Dataset]) -> None:
    with pytest.raises(IndexError):
        make().batch(np.array([N + 7]))


class Scores(nn.Module):
    """Scores of three classes from samples of any shape."""

    def __init__(self, features: int) -> None:
        self.head = nn.Linear(features, 3)

    def forward(self, x: Any) -> Any:
        return self.head(x.reshape(len(x), -1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_three_ranks_train_as_one_whether_or_not_a_thread_reads_ahead(
    make: Callable[..., Dataset], dtype: str, tmp_path: Path
) -> None:
    data = make()
    features = int(np.prod(data.batch(np.arange(1))[0].shape))

    def loss(model: Any, x: Any, y: Any) -> Any:
        return ops.cross_entropy(model(x * 1.0), y)  # token numbers as numbers will do here

    hashes = set()
    for k, (backend, prefetch) in enumerate((("local", 0), ("local", 3), ("threads:3", 0), ("threads:3", 2))):
        task = Task(Scores(features), loss, data, valid=data)
        options = {"data": {"prefetch": prefetch, "batch_size": 4}, "run": {"shards": 3}}  # ragged: 7 and 11 samples
        run = fit(task, dir=tmp_path / f"run{k}", epochs=3, backend=backend, dtype=dtype, quiet=True, **options)
        hashes.add(run.summary["params_sha256"])
    assert len(hashes) == 1
