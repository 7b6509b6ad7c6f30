"""Files of samples and of predictions: what is read, what is written, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.errors import DataError, UsageError
from ddtrain.runs.sample_files import read_samples, write_predictions

X = np.arange(6.0).reshape(3, 2) / 7


def test_arrays_come_back_as_they_are(tmp_path: Path) -> None:
    for name, save in (("x.npy", np.save), ("one.npz", np.savez)):
        save(tmp_path / name, X)
        np.testing.assert_array_equal(read_samples(tmp_path / name), X)
    np.savez(tmp_path / "two.npz", y=np.zeros(3), x=X)
    np.testing.assert_array_equal(read_samples(tmp_path / "two.npz"), X)


@pytest.mark.parametrize(
    ("text", "columns", "wanted"),
    [
        ("1,2\n3,4\n", (), [[1, 2], [3, 4]]),
        ("a,b\n1,2\n3,4\n", (), [[1, 2], [3, 4]]),
        ("a,b,c\n1,2,x\n3,4,y\n", ("b", "a"), [[2, 1], [4, 3]]),
        ('"a", b\n"1", 2e3\n\n', ("b",), [[2000]]),
        ("\ufeffa\n1\n", ("a",), [[1]]),
        ("1,2\n", ("a", "b"), [[1, 2]]),
    ],
)
def test_columns_of_text(text: str, columns: tuple[str, ...], wanted: Any, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    np.testing.assert_array_equal(read_samples(tmp_path / "x.csv", columns), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("suffix", ["csv", "npy", "npz"])
def test_predictions_come_back_to_the_bit(dtype: Any, suffix: str, tmp_path: Path) -> None:
    path, y = tmp_path / f"y.{suffix}", (100 * np.sin(np.arange(12.0))).astype(dtype).reshape(4, 3)
    write_predictions(path, y)
    np.testing.assert_array_equal(read_samples(path).astype(dtype), y)


def test_a_table_has_names(tmp_path: Path) -> None:
    path = tmp_path / "y.csv"
    for outputs, names, head in (
        (np.ones((1, 2)), ("cat", "dog"), "cat,dog"),
        (np.ones((1, 2)), ("cat",), "output_0,output_1"),
        (np.ones((0, 2)), (), "output_0,output_1"),  # of no samples
        (np.ones(1), (), "output"),
        (np.ones((1, 2, 2)), (), "output_0,output_1,output_2,output_3"),
    ):
        write_predictions(path, outputs, names)
        assert path.read_text().splitlines()[0] == head


def test_several_outputs_need_a_file_that_holds_them(tmp_path: Path) -> None:
    write_predictions(tmp_path / "y.npz", (X, X[:, 0]))
    np.testing.assert_array_equal(np.load(tmp_path / "y.npz")["output_1"], X[:, 0])
    with pytest.raises(UsageError, match="the model has 2 outputs"):
        write_predictions(tmp_path / "y.csv", (X, X))


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=X, b=X)
    np.save(tmp_path / "objects.npy", np.array([object()]), allow_pickle=True)
    np.save(tmp_path / "number.npy", np.array(1.0))
    (tmp_path / "text.npy").write_text("no")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    (tmp_path / "word.csv").write_text("a,b\n1,2\n3,\n")
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for name, said in (
        ("two.npz", "expected one array, or one called x, found a, b"),
        ("objects.npy", "no sound .npy file of plain arrays"),
        ("number.npy", "a row a sample"),
        ("text.npy", "no sound .npy file"),
        ("absent.npy", "cannot be read: No such file"),
        ("absent.csv", "cannot be read: No such file"),
        ("ragged.csv", "line 3"),
        ("word.csv", "line 3, column 'b': no value"),
        ("other.csv", "c"),
        ("empty.csv", "expected rows with values, found none"),
    ):
        with pytest.raises(DataError, match=said) as caught:
            read_samples(tmp_path / name, ("a", "c") if name == "other.csv" else ())
        assert name in caught.value.message
    with pytest.raises(UsageError, match=r"Give one of|\.csv, \.npy, \.npz"):
        read_samples(tmp_path / "x.txt")
