"""CSV files: columns by name, numbers to the last bit, missing values, classes, and what is wrong with its line."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.data import CsvData, read_csv
from ddtrain.errors import DataError, UsageError

TABLE = "size,rooms,kind,price\n70.5,3,flat,1.5\n120,5,house,2.5\n-1e-3,2,flat,0.1\n"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def written(text: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_columns_by_name_in_the_order_asked_for(write: Any) -> None:
    table = read_csv(write(TABLE), ["price", "size"])
    assert list(table) == ["price", "size"]
    np.testing.assert_array_equal(table["price"], [1.5, 2.5, 0.1])
    np.testing.assert_array_equal(table["size"], [70.5, 120, -1e-3])
    assert table["size"].dtype == np.float64


def test_numbers_come_back_to_the_last_bit(write: Any) -> None:
    x = np.random.default_rng(0).standard_normal(3000) * 10.0 ** np.random.default_rng(1).integers(-300, 300, 3000)
    np.testing.assert_array_equal(read_csv(write("x\n" + "\n".join(map(repr, x.tolist()))))["x"], x)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + TABLE,
        TABLE.replace("\n", "\r\n"),
        TABLE.rstrip("\n"),
        TABLE + "\n\n",
        TABLE.replace("size,rooms", '"size", rooms'),
        TABLE.replace("flat", '"flat"'),
    ],
    ids=["mark", "crlf", "no last newline", "empty lines", "quoted names", "quoted cells"],
)
def test_ways_to_write_the_same(write: Any, text: str) -> None:
    data, plain = (CsvData(write(t), "price", ["rooms", "size"]) for t in (text, TABLE))
    assert data.fingerprint() == plain.fingerprint()
    zipped = CsvData(write(gzip.compress(text.encode())), "price", ["rooms", "size"])
    assert zipped.fingerprint() == plain.fingerprint()


def test_other_delimiters_and_no_header(write: Any) -> None:
    tabs = CsvData(write(TABLE.replace(",", "\t")), "price", ["size"], delimiter="\t")
    np.testing.assert_array_equal(tabs.arrays[0][:, 0], [70.5, 120, -1e-3])
    bare = CsvData(write("1,2,3\n4,5,6\n"), "2", header=False)
    np.testing.assert_array_equal(bare.arrays[0], [[1, 2], [4, 5]])
    np.testing.assert_array_equal(bare.arrays[1], [3, 6])


def test_one_target_is_a_vector_and_several_are_columns(write: Any) -> None:
    path = write("a,b,c\n1,2,3\n4,5,6\n")
    assert CsvData(path, "c").arrays[1].shape == (2,)
    np.testing.assert_array_equal(CsvData(path, ["c", "a"]).arrays[1], [[3, 1], [6, 4]])
    assert list(CsvData(path, ["c", "a"]).columns) == ["b"]


def test_classes_by_their_names(write: Any) -> None:
    data = CsvData(write(TABLE), "kind", ["size"], classes=True)
    np.testing.assert_array_equal(data.arrays[1], [0, 1, 0])
    assert list(data.classes) == ["flat", "house"]
    given = CsvData(write(TABLE), "kind", ["size"], classes=["house", "boat", "flat"])
    np.testing.assert_array_equal(given.arrays[1], [2, 0, 2])
    with pytest.raises(DataError, match=r"column 'kind': names: there is no 'house'"):
        CsvData(write(TABLE), "kind", ["size"], classes=["flat", "boat"])


def test_missing_values_are_refused_left_out_or_filled(write: Any) -> None:
    path = write("a,b\n1,2\n,3\n4,NaN\n5, ? \n6,7\n")
    with pytest.raises(DataError, match=r"line 3, column 'a': no value; it is the first of 3\n"):
        read_csv(path)
    np.testing.assert_array_equal(read_csv(path, missing="drop")["b"], [2, 7])
    np.testing.assert_array_equal(read_csv(path, missing=-1.0)["b"], [2, 3, -1, -1, 7])
    assert len(read_csv(path, ["a"], missing="drop")["a"]) == 4  # a hole elsewhere leaves out no row
    with pytest.raises(DataError, match=r"line 2, column 'kind': no value"):
        read_csv(write("kind\nNA\n\n".replace("NA", '""')), texts=["kind"])


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (TABLE, {"targets": "prize"}, "there is no column 'prize'\n  Did you mean price? There is size, rooms"),
        (TABLE, {"targets": "price"}, "line 2, column 'kind': 'flat' is not a number"),
        (TABLE, {"targets": "price", "inputs": ["sise"]}, "there is no column 'sise'\n  Did you mean size?"),
        (TABLE.replace(",", ";"), {"targets": "price"}, "there is no column 'price'\n  Give delimiter=';'."),
        (TABLE + "1,2\n", {"targets": "price", "inputs": ["size"]}, "line 5: expected 4 cells, found 2"),
        (TABLE + '1,"2', {"targets": "price", "inputs": ["size"]}, "expected a CSV file: unexpected end of data"),
        ("1,2\n3,4\n", {"targets": "2"}, "expected names in the first line, found the numbers ['1', '2']"),
        ("a,a\n3,4\n", {"targets": "a"}, "two columns have the name 'a'"),
        ("a,b\n", {"targets": "a"}, "expected rows with values, found none"),
        ("", {"targets": "a"}, "expected a CSV file, found no first line"),
        ("a\n1\n", {"targets": "a"}, "expected columns beside the targets ['a'], found none"),
        ("a,\xe9\n1,2\n".encode("latin-1"), {"targets": "a"}, "expected UTF-8 text, found byte 0xe9"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(write: Any, text: Any, options: Any, said: str) -> None:
    path = write(text)
    with pytest.raises(DataError) as caught:
        CsvData(path, **options)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_file_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.csv: cannot be read: No such file"):
        CsvData(tmp_path / "nowhere.csv", "a")


@pytest.mark.parametrize(
    "options",
    [
        {"targets": []},
        {"targets": ["size", "price"], "classes": True},
        {"targets": "size", "inputs": ["size", "rooms"]},
        {"targets": "price", "missing": "skip"},
        {"targets": "price", "delimiter": ", "},
    ],
)
def test_options_that_do_not_go_together(write: Any, options: Any) -> None:
    with pytest.raises(UsageError):
        CsvData(write(TABLE), **options)
