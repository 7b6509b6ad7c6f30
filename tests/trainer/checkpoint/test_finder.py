"""The newest checkpoint that is good is found; half-written ones do not count."""

import os

import pytest
from snapshots import make

from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint.contents import MODEL, OPTIM, STATE
from ddtrain.trainer.checkpoint.finder import latest
from ddtrain.trainer.checkpoint.writer import write


class TestLatest:
    def test_none_is_none(self, tmp_path):
        assert latest(tmp_path) is None
        assert latest(tmp_path / "not there") is None

    def test_newest_by_number_not_by_name(self, tmp_path):
        for step in (99_999_999, 100_000_000):
            write(tmp_path, make(step))
        assert latest(tmp_path).snapshot.step == 100_000_000

    def test_an_older_good_one_is_used_and_says_so(self, tmp_path):
        for step in (10, 20, 30):
            write(tmp_path, make(step))
        shelf = tmp_path / "checkpoints"
        os.truncate(shelf / "step-00000030" / MODEL, 100)
        (shelf / "step-00000020" / STATE).unlink()
        found = latest(tmp_path)
        assert found.snapshot.step == 10
        assert len(found.refused) == 2
        assert "step-00000030 refused" in found.refused[0]
        assert "100 bytes" in found.refused[0]
        assert "state.json" in found.refused[1]

    def test_none_good_is_an_error_not_a_new_start(self, tmp_path):
        os.truncate(write(tmp_path, make(10)) / OPTIM, 0)
        with pytest.raises(CheckpointError, match=r"no checkpoint is good.*step-00000010.*optim"):
            latest(tmp_path)

    def test_half_written_ones_do_not_count(self, tmp_path):
        write(tmp_path, make(10)).rename(tmp_path / "checkpoints" / ".tmp-step-00000010")
        assert latest(tmp_path) is None
