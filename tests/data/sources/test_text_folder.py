"""Texts from folders: all files by their paths, classes by folder, and every text that cannot be read by its name."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ddtrain.data import TextFolder, Vocabulary, characters, corpus, read_texts
from ddtrain.errors import DataError, UsageError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"glad/a.txt": "so good so", "glad/b.txt": "good!", "sad/c.txt": "so bad"}.items():
        path = tmp_path / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "texts"


def test_all_texts_of_a_folder_are_a_corpus(folder: Path) -> None:
    (folder / "glad" / "b.txt").write_bytes(gzip.compress(b"good!"))
    (folder / ".hidden").write_bytes(b"\xff")
    texts = read_texts(folder)
    assert texts == {"glad/a.txt": "so good so", "glad/b.txt": "good!", "sad/c.txt": "so bad"}
    assert len(corpus(texts, min_count=1, held_out=0.0).train) == 3


def test_texts_are_cut_and_filled(folder: Path) -> None:
    data = TextFolder(folder, length=2, tokenize=characters)
    x, y = data.batch(np.array([2, 1]))
    assert ["".join(data.vocabulary.decode(row)) for row in x] == ["so", "go"]
    np.testing.assert_array_equal(y, [1, 0])
    assert TextFolder(folder, length=4).batch(np.array([1]))[0].tolist()[0][2:] == [0, 0]


def test_the_vocabulary_of_the_training_texts_numbers_others(folder: Path) -> None:
    data = TextFolder(folder, length=3, vocabulary=Vocabulary(["so", "so", "bad"]))
    np.testing.assert_array_equal(data.batch(np.arange(3))[0], [[1, 0, 1], [0, 0, 0], [1, 2, 0]])
    assert data.fingerprint() != TextFolder(folder, length=3, vocabulary=Vocabulary(["so", "so", "good"])).fingerprint()


def test_unreadable_texts_are_listed_all_at_once(folder: Path) -> None:
    (folder / "glad" / "x.txt").write_bytes(b"ab\xff")
    (folder / "sad" / "y.gz").write_bytes(gzip.compress(b"abc" * 100)[:-9])
    for read in (read_texts, lambda root: TextFolder(root, length=3)):
        with pytest.raises(DataError) as caught:
            read(folder)
        said = str(caught.value)
        assert "2 of 5 texts cannot be read: glad/x.txt (expected UTF-8 text, found byte 0xff at 2), sad/y.gz (" in said


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="length 0"):
        TextFolder(folder, length=0)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="expected files with texts, found none"):
        read_texts(tmp_path / "empty")
    with pytest.raises(DataError, match="nowhere: cannot be read"):
        read_texts(tmp_path / "nowhere")
