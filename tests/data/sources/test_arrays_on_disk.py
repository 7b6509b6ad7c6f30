"""Arrays in files: npz archives, mapped npy files in one piece and several, and data sets one after another."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ddtrain.data import ArrayData, Augmented, Concat, MemoryMapped, NpzData
from ddtrain.errors import DataError, UsageError
from worlds import World


def test_an_archive_of_any_dtypes_and_shapes(tmp_path: Path) -> None:
    x, y = np.arange(12, dtype=np.int8).reshape(3, 2, 2), np.array([0.5, 1.5, 2.5], np.float16)
    np.savez(tmp_path / "a.npz", y=y, x=x)
    data = NpzData(tmp_path / "a.npz", "x", "y", transform=lambda x: x * 2)
    np.testing.assert_array_equal(data.batch(np.array([2]))[0], x[[2]] * 2)
    assert data.batch(np.array([2]))[1].dtype == np.float16


def test_archives_that_do_not_do(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)), y=np.zeros(2), z=np.array([None]))
    with pytest.raises(DataError, match="expected an array 'labels', found x, y, z"):
        NpzData(tmp_path / "a.npz", "x", "labels")
    with pytest.raises(DataError, match=r"expected arrays of one length, found shapes \[\(3, 2\), \(2,\)\]"):
        NpzData(tmp_path / "a.npz", "x", "y")
    with pytest.raises(DataError, match="holds Python objects, which need pickle"):
        NpzData(tmp_path / "a.npz", "z")


def test_mapped_files_are_not_read_as_a_whole(tmp_path: Path) -> None:
    """Of 2**36 bytes, which would take long to read, batches and fingerprints read their rows alone."""
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (2**24, 4096))  # sparse: most of 64 GB is a hole
    x[-1], x[5] = 7, 3
    x.flush()
    data = MemoryMapped(tmp_path / "x.npy")
    np.testing.assert_array_equal(data.batch(np.array([5, 2**24 - 1, 6]))[0][:, 0], [3, 7, 0])
    first = data.fingerprint()
    x[-1, 0] = 8
    x.flush()
    assert MemoryMapped(tmp_path / "x.npy").fingerprint() != first


def test_the_shape_and_the_dtype_are_in_the_fingerprint(tmp_path: Path) -> None:
    found = set()
    for k, x in enumerate((np.zeros((4, 2)), np.zeros((8, 1)), np.zeros((4, 2), np.int64), np.zeros((4, 4), "f4"))):
        np.save(tmp_path / f"{k}.npy", x)
        found.add(MemoryMapped(tmp_path / f"{k}.npy").fingerprint())
    assert len(found) == 4


def test_files_that_do_not_do(tmp_path: Path) -> None:
    names = {"a": np.zeros((3, 2)), "b": np.zeros((3, 1)), "c": np.zeros((3, 2), np.int64), "d": np.zeros(4)}
    names["e"] = np.array(1.0)
    path = {name: tmp_path / f"{name}.npy" for name in names}
    for name, x in names.items():
        np.save(path[name], x)
    with pytest.raises(DataError, match=r"b\.npy: samples of float64 \(1,\); those of .*a\.npy are of float64 \(2,\)"):
        MemoryMapped([path["a"], path["b"]])
    with pytest.raises(DataError, match=r"c\.npy: samples of int64"):
        MemoryMapped([path["a"], path["c"]])
    with pytest.raises(DataError, match=r"expected arrays of one length, found .*a\.npy: 3, .*d\.npy: 4"):
        MemoryMapped(path["a"], path["d"])
    with pytest.raises(DataError, match=r"e\.npy: expected one array with a row a sample"):
        MemoryMapped(path["e"])
    with pytest.raises(DataError, match=r"an array without files\n.*Does the pattern match"):
        MemoryMapped(sorted(tmp_path.glob("x*.npy")))
    with pytest.raises(DataError, match="found none"):
        MemoryMapped()
    with pytest.raises(DataError, match=r"x\.npy: cannot be read: No such file"):
        MemoryMapped(tmp_path / "x.npy")


@pytest.mark.parametrize("damage", ["empty", "cut", "pickle", "text", "objects", "archive"])
def test_files_that_are_no_arrays(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.arange(1000))
    if damage == "objects":
        np.save(path, np.array([None, "a"]))
    elif damage == "archive":
        with open(path, "wb") as file:
            np.savez(file, x=np.arange(3))
    else:
        path.write_bytes(
            {"empty": b"", "cut": path.read_bytes()[:-9], "pickle": pickle.dumps([1]), "text": b"1 2 3"}[damage]
        )
    with pytest.raises(DataError, match=r"x\.npy: expected "):
        MemoryMapped(path)


def test_ranks_with_other_files_are_refused(tmp_path: Path) -> None:
    from ddtrain import nn
    from ddtrain.runs import fit
    from ddtrain.trainer.task import Task

    for k in range(2):
        np.save(tmp_path / f"{k}.npy", np.full((9, 2), float(k)))
    made = iter(range(2))

    def build(config: object) -> Task:
        data = MemoryMapped(tmp_path / f"{next(made)}.npy")
        return Task(nn.Linear(2, 1), lambda model, x: model(x)[:, 0] ** 2, data)

    with pytest.raises(UsageError, match=r"data for training.*\n.*Give every rank the same data"):
        fit(build, dir=tmp_path / "run", epochs=1, batch_size=4, backend="threads:2", quiet=True)


def test_data_sets_that_cannot_be_joined() -> None:
    x = np.zeros((3, 2))
    with pytest.raises(UsageError, match="no data sets"):
        Concat([])
    with pytest.raises(DataError, match=r"data set 1 are float64 \(3,\); those of data set 0 are float64 \(2,"):
        Concat([ArrayData(x), ArrayData(np.zeros((3, 3)))])
    with pytest.raises(DataError, match=r"data set 1 are int64 \(2,\)"):
        Concat([ArrayData(x), ArrayData(x.astype(np.int64))])
    with pytest.raises(DataError, match="data set 1"):
        Concat([ArrayData(x), ArrayData(x, x)])
    with pytest.raises(UsageError, match="Join first"):
        Concat([ArrayData(x), Augmented(ArrayData(np.zeros((3, 2, 2, 1))), "flip")])


def test_joined_data_has_a_fingerprint_if_all_parts_have_one() -> None:
    class Bare:
        def __len__(self) -> int:
            return 2

        def batch(self, indices: object) -> tuple[object, ...]:
            return (np.zeros(2)[indices],)

    assert not hasattr(Concat([ArrayData(np.zeros(3)), Bare()]), "fingerprint")
    a, b = ArrayData(np.zeros(2)), ArrayData(np.ones(2))
    assert Concat([a, b]).fingerprint() != Concat([b, a]).fingerprint()


def test_a_joined_set_is_standardised_as_one(world: World) -> None:
    from ddtrain.data import Standardize

    x = np.random.default_rng(0).standard_normal((23, 3)) * 5 + 100
    whole = Standardize.fit(ArrayData(x))
    joined = Concat([ArrayData(x[:7]), ArrayData(x[7:])])
    for fitted in world.run(lambda comm: Standardize.fit(joined, comm=comm)):
        np.testing.assert_array_equal(fitted.mean, whole.mean)
        np.testing.assert_array_equal(fitted.std, whole.std)
