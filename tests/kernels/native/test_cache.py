"""The cache of compiled libraries: nothing is loaded that others may have written, and nothing is made twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ddtrain.kernels.native import cache


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of libraries of a cache of its own."""
    monkeypatch.setenv("DDTRAIN_CACHE", str(tmp_path))
    return cache.directory()


class Maker:
    """Writes a library of given bytes, and counts how often."""

    def __init__(self, content: bytes = b"library") -> None:
        self.content, self.calls = content, 0

    def __call__(self, path: Path) -> dict[str, int]:
        self.calls += 1
        path.write_bytes(self.content)
        return {"made": self.calls}


def refuse(path: Path) -> dict[str, int]:
    raise AssertionError("the library is there already")


def test_what_is_made_once_is_found_again_with_its_facts(room: Path) -> None:
    path, facts = cache.fetch("one", Maker())
    assert cache.fetch("one", refuse) == (path, facts) == (room / "one.so", {"made": 1})
    assert path.read_bytes() == b"library"
    assert {p.stat().st_mode & 0o077 for p in room.iterdir()} == {0}
    assert cache.fetch("other", Maker())[0] != path


@pytest.mark.parametrize("damage", ["truncated", "changed", "without a note", "with half a note", "another's note"])
def test_a_damaged_library_is_made_again(room: Path, damage: str) -> None:
    path, _ = cache.fetch("one", Maker())
    note = path.with_suffix(".json")
    if damage == "truncated":
        path.write_bytes(b"lib")
    elif damage == "changed":
        path.write_bytes(b"LIBRARY")
    elif damage == "without a note":
        note.unlink()
    elif damage == "with half a note":
        note.write_text(note.read_text()[:20])
    else:
        note.write_text(json.dumps(["sha256"]))
    again = Maker()
    cache.fetch("one", again)
    assert again.calls == 1
    assert path.read_bytes() == b"library"
    cache.fetch("one", refuse)


@pytest.mark.parametrize("mode", [0o620, 0o602])
@pytest.mark.parametrize("suffix", [".so", ".json"])
def test_a_file_that_others_may_write_to_is_made_again(room: Path, suffix: str, mode: int) -> None:
    path, _ = cache.fetch("one", Maker(b"theirs"))
    path.with_suffix(suffix).chmod(mode)
    cache.fetch("one", Maker(b"ours"))
    assert path.read_bytes() == b"ours"


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_directory_that_others_may_write_to_is_refused(room: Path, mode: int) -> None:
    cache.fetch("one", Maker())
    room.chmod(mode)
    with pytest.raises(cache.CacheError, match=f"^others may write to the directory {room}$"):
        cache.fetch("one", refuse)


def test_somebody_elses_directory_is_refused_but_not_the_administrators(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.fetch("one", Maker())
    owner = room.stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    if owner:
        with pytest.raises(cache.CacheError, match="belongs to somebody else"):
            cache.fetch("one", refuse)
    else:
        cache.fetch("one", refuse)
        os.chown(room / "one.so", 12345, -1)
        again = Maker()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "getuid", lambda: 0)
            cache.fetch("one", again)
        assert again.calls == 1
        os.chown(room, 12345, -1)
        with pytest.raises(cache.CacheError, match="belongs to somebody else"):
            cache.fetch("one", refuse)


def test_no_directory_can_be_made_below_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DDTRAIN_CACHE", str(tmp_path / "file"))
    with pytest.raises(cache.CacheError, match="cannot be made: Not a directory"):
        cache.fetch("one", refuse)


def test_a_directory_that_cannot_be_written_to_is_good_for_what_it_holds(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.fetch("one", Maker())

    def read_only(path: os.PathLike[str], flags: int, mode: int = 0) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", read_only)  # the administrator, who runs tests in containers, may write anywhere
    assert cache.fetch("one", refuse)[1] == {"made": 1}
    with pytest.raises(cache.CacheError, match=f"^the directory {room} cannot be written to: Permission denied$"):
        cache.fetch("other", refuse)


def test_a_full_disk_leaves_nothing_behind(room: Path) -> None:
    def full(path: Path) -> dict[str, int]:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(cache.CacheError, match="cannot be written to: No space left on device"):
        cache.fetch("one", full)
    assert [p.name for p in room.iterdir()] == ["one.lock"]


def test_a_failure_is_believed_for_a_minute(room: Path) -> None:
    def fail(path: Path) -> dict[str, int]:
        raise ValueError("the compiler hangs")

    with pytest.raises(ValueError, match="hangs"):
        cache.fetch("one", fail)
    with pytest.raises(cache.CacheError, match=r"^the compiler hangs$"):
        cache.fetch("one", refuse)
    before = time.time() - cache.BELIEVED_S - 1
    os.utime(room / "one.lock", (before, before))
    assert cache.fetch("one", Maker())[1] == {"made": 1}
    assert (room / "one.lock").read_text() == ""


RACE = """
import sys, time
from pathlib import Path
from ddtrain.kernels.native import cache

def make(path):
    with open(sys.argv[1], "a") as file:
        file.write("made\\n")
    path.write_bytes(b"half")
    time.sleep(0.3)
    path.write_bytes(b"library")
    return {}

path, _ = cache.fetch("one", make)
assert path.read_bytes() == b"library"
"""


def test_of_processes_that_race_one_makes_the_library(room: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    started = [subprocess.Popen([sys.executable, "-c", RACE, str(log)]) for _ in range(4)]
    assert [process.wait(60) for process in started] == [0] * 4
    assert log.read_text() == "made\n"
