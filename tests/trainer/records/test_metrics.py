"""Every line whole, every step once, and a full disk is survived."""

import errno
import json
import math
import os
from types import SimpleNamespace

import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import DataError
from ddtrain.trainer.records.metrics import TOGETHER_S, MetricsLog, read, truncate_after, write_summary

RANK_0, RANK_1 = LocalCommunicator(), SimpleNamespace(rank=1, size=2)


@pytest.fixture
def log(tmp_path):
    log = MetricsLog(RANK_0, tmp_path)
    yield log
    log.close()


def steps(path):
    return [figures["step"] for figures in read(path)]


class TestLines:
    def test_are_strict_json_in_the_order_given(self, log):
        log.write(step=1, epoch=0, loss=math.nan, lr=0.1)
        log.write(step=1, epoch=0, valid_loss=math.inf)
        log.flush()
        lines = log.path.read_text().splitlines()
        assert lines[0] == '{"step": 1, "epoch": 0, "loss": "NaN", "lr": 0.1}'
        assert json.loads(lines[1], parse_constant=pytest.fail)["valid_loss"] == "Infinity"

    def test_are_there_at_once_or_soon(self, log, monkeypatch):
        now = [100.0]
        monkeypatch.setattr("ddtrain.trainer.records.metrics.perf_counter", lambda: now[0])
        log.write(step=1)
        assert steps(log.path) == [1]
        log.write(step=2)
        assert steps(log.path) == [1], "it waits for others"
        now[0] += TOGETHER_S
        log.write(step=3)
        assert steps(log.path) == [1, 2, 3]
        log.write(step=4)
        log.flush()
        assert steps(log.path) == [1, 2, 3, 4]

    def test_other_ranks_write_nothing(self, tmp_path):
        log = MetricsLog(RANK_1, tmp_path)
        log.write(step=1)
        log.close()
        write_summary(RANK_1, tmp_path, {})
        assert os.listdir(tmp_path) == []

    def test_closing_twice_is_fine(self, log):
        log.close()
        log.write(step=1)
        log.close()
        assert log.path.read_bytes() == b""


class TestResume:
    def test_later_steps_and_the_torn_line_go_and_the_rest_stays_to_the_byte(self, log):
        for step in range(1, 7):
            log.write(step=step, loss=1 / step)
        log.write(step=4, valid_loss=0.5)  # the order of lines is not the order of steps
        log.close()
        whole = log.path.read_bytes().splitlines(keepends=True)
        with log.path.open("ab") as file:
            file.write(b'{"step": 3, "lo')
        resumed = MetricsLog(RANK_0, log.path.parent, last_step=4)
        resumed.write(step=5)
        resumed.close()
        assert log.path.read_bytes() == b"".join([*whole[:4], whole[6], b'{"step": 5}\n'])

    def test_an_evaluation_that_no_checkpoint_has_goes_and_is_made_again(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        path.write_bytes(b'{"step": 4}\n{"step": 4, "valid_loss": 1}\n{"step": 8}\n{"step": 8, "valid_loss": 2}\n')
        MetricsLog(RANK_0, tmp_path, last_step=8, evaluated=4).close()
        assert path.read_bytes() == b'{"step": 4}\n{"step": 4, "valid_loss": 1}\n{"step": 8}\n'

    def test_no_line_is_added_to_what_a_link_points_to(self, tmp_path):
        (tmp_path / "archived.jsonl").write_text('{"step": 1}\n')
        (tmp_path / "metrics.jsonl").symlink_to("archived.jsonl")
        resumed = MetricsLog(RANK_0, tmp_path, last_step=1)
        resumed.write(step=2)
        resumed.close()
        assert (tmp_path / "archived.jsonl").read_text() == '{"step": 1}\n'
        assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n'

    def test_a_torn_line_that_happens_to_be_json_goes_too(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        path.write_bytes(b'{"step": 1}\n{"step": 2}')
        truncate_after(path, 9)
        assert path.read_bytes() == b'{"step": 1}\n'

    @pytest.mark.parametrize(
        "garbage",
        [b"\0" * 64 + b"\n", b"[1]\n", b"\xff\n", b'{"loss": 1}\n', b'{"step": "1"}\n', b"[" * 99_999 + b"\n"],
    )
    def test_lines_that_are_none_go(self, tmp_path, garbage):
        path = tmp_path / "metrics.jsonl"
        path.write_bytes(b'{"step": 1}\n' + garbage + b'{"step": 2}\n')
        truncate_after(path, 2)
        assert path.read_bytes() == b'{"step": 1}\n{"step": 2}\n'

    def test_nothing_to_remove_writes_nothing(self, tmp_path):
        path = tmp_path / "metrics.jsonl"
        path.write_bytes(b'{"step": 1}\n')
        before = path.stat().st_ino
        truncate_after(path, 1)
        assert path.stat().st_ino == before

    def test_a_new_run_begins_a_new_log(self, log):
        log.write(step=1)
        MetricsLog(RANK_0, log.path.parent).close()
        assert steps(log.path) == []


class TestFullDisk:
    """``os.write`` fails, or writes short, and later there is room again."""

    def test_lines_wait_in_order_and_none_is_torn(self, log, monkeypatch):
        real, room = os.write, [5]

        def write(file, data):
            if room[0] == 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            n = real(file, data[: room[0]])
            room[0] -= n
            return n

        monkeypatch.setattr(os, "write", write)
        warnings = []
        log.warn = warnings.append
        for step in range(1, 4):
            log.write(step=step)
            log.flush()
        assert log.path.stat().st_size == 5
        assert len(warnings) == 1
        assert "ENOSPC" in warnings[0]
        room[0] = 10**6
        log.write(step=4)
        log.flush()
        assert steps(log.path) == [1, 2, 3, 4]

    def test_closing_with_lines_still_waiting_is_an_error(self, log, monkeypatch):
        def full(file, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        log.write(step=1)
        with pytest.raises(DataError, match=r"metrics.jsonl: No space left.*12 bytes wanted"):
            log.close()

    def test_a_directory_that_cannot_be_written(self, tmp_path):
        with pytest.raises(DataError, match="ENOENT"):
            MetricsLog(RANK_0, tmp_path / "gone")


def test_summary(tmp_path):
    write_summary(RANK_0, tmp_path, {"loss": math.nan, "steps": 3})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"loss": "NaN", "steps": 3}
