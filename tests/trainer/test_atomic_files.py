"""Whole files or none, and JSON that every reader accepts."""

import errno
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from ddtrain.errors import DataError
from ddtrain.trainer.atomic_files import replace, to_json, write_json


class TestJson:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (math.nan, '"NaN"'),
            (math.inf, '"Infinity"'),
            ([1, (-math.inf,)], '[1, ["-Infinity"]]'),
            ({"a": {"b": math.nan}, "c": True}, '{"a": {"b": "NaN"}, "c": true}'),
            ({"a": np.float32(0.5), "b": np.int64(3), "c": np.array(2.0)}, '{"a": 0.5, "b": 3, "c": 2.0}'),
            (np.float32(math.nan), '"NaN"'),
            (Path("a/b"), '"a/b"'),
        ],
    )
    def test_values(self, value, text):
        assert to_json(value) == text

    @pytest.mark.parametrize("x", [math.inf, -math.inf, 0.1, 1e-310, 2**53 + 1.0])
    def test_floats_come_back_to_the_bit(self, x):
        assert float(json.loads(to_json(x))) == x

    def test_what_json_has_no_word_for(self):
        with pytest.raises(TypeError, match="complex"):
            to_json({"z": 1j})


class TestReplace:
    def test_new_and_old(self, tmp_path):
        path = tmp_path / "x.json"
        for value in ({"a": 1}, {}):
            write_json(path, value)
            assert json.loads(path.read_text()) == value
        assert os.listdir(tmp_path) == ["x.json"]

    @pytest.mark.parametrize("call", ["fsync", "rename"])
    def test_an_error_leaves_the_old_file_alone_and_no_other(self, tmp_path, monkeypatch, call):
        def fail(*args):
            raise OSError(errno.ENOSPC, "No space left on device")

        path = tmp_path / "x"
        path.write_bytes(b"old")
        monkeypatch.setattr(os, call, fail)
        with pytest.raises(DataError, match=r"x: No space left on device \(ENOSPC\), 3 bytes wanted.*\n.*run.dir"):
            replace(path, b"new")
        assert path.read_bytes() == b"old"
        assert os.listdir(tmp_path) == ["x"]

    def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(self, tmp_path, monkeypatch):
        """A page cache hides a missing fsync from every other test, so the order of the calls is looked at."""
        calls = []

        def recorded(name, real):
            def call(first, *others):
                target = os.readlink(f"/proc/self/fd/{first}") if name == "fsync" else os.fspath(first)
                calls.append((name, os.path.basename(target)))
                return real(first, *others)

            return call

        for name in ("fsync", "rename"):
            monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
        replace(tmp_path / "x", b"new")
        aside = f".tmp-x-{os.getpid()}"
        assert calls == [("fsync", aside), ("rename", aside), ("fsync", tmp_path.name)]

    def test_a_leftover_of_a_killed_writer_is_no_obstacle(self, tmp_path):
        (tmp_path / f".tmp-x-{os.getpid()}").write_bytes(b"torn")
        replace(tmp_path / "x", b"new")
        assert os.listdir(tmp_path) == ["x"]

    def test_no_directory(self, tmp_path):
        with pytest.raises(DataError, match="ENOENT"):
            replace(tmp_path / "gone" / "x", b"")
