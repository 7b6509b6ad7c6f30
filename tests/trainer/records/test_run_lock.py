"""A run's directory is one job's, and what could not start leaves nothing there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import DataError, UsageError
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.records import run_lock
from ddtrain.trainer.records.run_lock import LOCK, lock_run_directory
from worlds import World


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(where: str = "", resume: str = "never") -> Config:
    return Config(run=Run(dir=where, resume=resume))


def locked(where: str = "", resume: str = "never"):
    return lock_run_directory(LocalCommunicator(), told(where, resume), "net")


class TestLock:
    def test_a_second_job_is_told_who_the_first_is(self):
        with locked("run"):
            for _ in range(2):  # neither attempt breaks the lock, nor lifts it
                with pytest.raises(UsageError, match=f"process {os.getpid()} on {socket.gethostname()}"), locked("run"):
                    pytest.fail("two jobs in one directory")
        with locked("run"):
            pass

    def test_it_is_the_kernels_so_a_killed_job_leaves_none(self):
        program = f"""
import os
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.records.run_lock import lock_run_directory
with lock_run_directory(LocalCommunicator(), Config(run=Run(dir={str(Path.cwd() / "run")!r})), "net"):
    os._exit(9)
"""
        assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 9
        with locked("run") as taken:
            (note,) = taken.notes
        assert "did not end in order" in note
        assert socket.gethostname() in note

    def test_a_killed_jobs_children_may_hold_it(self, monkeypatch):
        with locked("run"):
            monkeypatch.setattr(run_lock, "_read_owner", lambda handle: {"host": socket.gethostname(), "pid": 0})
            with pytest.raises(UsageError, match="end the children of process 0, which is gone itself"), locked("run"):
                pass

    def test_a_lock_that_a_job_lifts_at_this_moment_is_not_mistaken_for_one_of_that_name(self, monkeypatch):
        """Between open and flock the holder removes the file: a lock on what has no name keeps nobody out."""
        Path("run").mkdir()
        real, opened = run_lock.fcntl.flock, []

        def flock(handle, how):
            opened.append(handle)
            if len(opened) == 1:
                Path("run", LOCK).unlink()
            real(handle, how)

        monkeypatch.setattr(run_lock.fcntl, "flock", flock)
        with locked("run"):
            assert len(opened) == 2
            assert Path("run", LOCK).exists()

    def test_where_there_are_no_locks_a_line_says_so(self, monkeypatch):
        def flock(handle, how):
            raise OSError(run_lock.errno.ENOLCK, "No locks available")

        monkeypatch.setattr(run_lock.fcntl, "flock", flock)
        with locked("run") as taken:
            assert taken.notes == ["run cannot be locked (No locks available): start no second job there"]

    def test_no_file_is_written_through_a_link(self):
        Path("run").mkdir()
        Path("mine").write_text("precious")
        Path("run", LOCK).symlink_to(Path("mine").resolve())
        with pytest.raises(DataError, match="ELOOP"), locked("run"):
            pass
        assert Path("mine").read_text() == "precious"

    def test_what_could_not_start_leaves_nothing(self):
        for where in ("some/where/run", ""):
            with locked(where) as taken:
                assert taken.directory.is_dir()
        assert list(Path().iterdir()) == []

    def test_what_was_there_stays(self):
        Path("some/where").mkdir(parents=True)
        with locked("some/where"):
            pass
        assert Path("some/where").is_dir()
        with locked("some/run") as taken:
            (taken.directory / "x").touch()
        assert [path.name for path in Path("some/run").iterdir()] == ["x"]

    def test_all_ranks_hear_of_it(self, world: World):
        def body(comm):
            with lock_run_directory(comm, told("run"), "net") as taken:
                first = str(taken.directory)
                with pytest.raises(UsageError, match="another job"), lock_run_directory(comm, told("run"), "net"):
                    pass
            return first

        assert world.run(body) == ["run"] * world.size


class TestNewDirectories:
    def test_runs_of_the_same_second_have_one_each(self, monkeypatch):
        monkeypatch.setattr(run_lock.time, "strftime", lambda layout: "now")
        taken = []
        for _ in range(3):
            with locked() as one:
                (one.directory / "x").touch()
                taken.append(str(one.directory))
        assert taken == ["runs/net-now", "runs/net-now-2", "runs/net-now-3"]

    def test_auto_alone_does_not_say_which_run(self):
        with pytest.raises(UsageError, match=r"which run\?\n  Give --run.dir\.$"), locked(resume="auto"):
            pass
        for name in ("net-20260101-000000", "net-20260102-000000", "other-20270101-000000"):
            Path("runs", name).mkdir(parents=True)
        with (
            pytest.raises(UsageError, match="the newest one of net is runs/net-20260102-000000"),
            locked(resume="auto"),
        ):
            pass
