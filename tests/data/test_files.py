"""Files, plain or gzip, whatever they are called; and one line for each way to be damaged."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from ddtrain.data.files import MAX_INFLATION, most_bytes, opened, read_text
from ddtrain.errors import DataError

TEXT = "Who's there?\n" * 50


@pytest.mark.parametrize("name", ["plain.txt", "named.gz"])
@pytest.mark.parametrize("zipped", [False, True])
def test_the_content_tells_what_a_file_is_and_not_its_name(tmp_path: Path, name: str, zipped: bool) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT.encode()) if zipped else TEXT.encode())
    assert read_text(path) == TEXT
    with opened(path) as stream:
        assert stream.read(3) == b"Who"


@pytest.mark.parametrize("content", [b"", b"\x1f", "é".encode()])
def test_short_files_are_read_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "short"
    path.write_bytes(content)
    with opened(path) as stream:
        assert stream.read() == content


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "windows.txt"
    path.write_bytes("\ufeffabc".encode())
    assert read_text(path) == "abc"


def cut(data: bytes) -> bytes:
    return data[:-20]


def scratched(data: bytes) -> bytes:
    return data[:12] + bytes(byte ^ 0xFF for byte in data[12:20]) + data[20:]


@pytest.mark.parametrize(("damage", "said"), [(cut, "one cut off"), (scratched, "found it damaged|one cut off")])
def test_a_damaged_gzip_file_is_said_to_be_one(tmp_path: Path, damage: object, said: str) -> None:
    path = tmp_path / "text.gz"
    path.write_bytes(damage(gzip.compress(os.urandom(2000))))  # type: ignore[operator]
    with pytest.raises(DataError, match=said) as caught:
        read_text(path)
    assert caught.value.remedy == "Copy or download it again."


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none: cannot be read: No such file or directory"):
        read_text(tmp_path / "none")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_text(tmp_path)


def test_what_is_no_text_is_named_by_its_first_byte(tmp_path: Path) -> None:
    path = tmp_path / "latin-1.txt"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match="expected UTF-8 text, found byte 0xe9 at 3"):
        read_text(path)


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"a" * 100_000))
    assert read_text(path, limit_bytes=100_000) == "a" * 100_000
    with pytest.raises(DataError, match="expected at most 99999 bytes of text, found more"):
        read_text(path, limit_bytes=99_999)


def test_no_file_holds_more_than_it_may(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"a" * 1000)
    packed.write_bytes(gzip.compress(bytes(1_000_000), 9))
    assert most_bytes(plain) == 1000
    assert 1_000_000 <= most_bytes(packed) == packed.stat().st_size * MAX_INFLATION
