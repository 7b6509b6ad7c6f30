"""A run's directory is one job's, and holds nothing of anybody else's; what a run goes back behind is put aside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import DataError, UsageError
from ddtrain.trainer import atomic_files
from ddtrain.trainer.checkpoint import finder, writer
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.records import metrics, run_directory
from ddtrain.trainer.records.run_directory import LOCK, NAMES, claimed, find_checkpoint, supersede
from worlds import World


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(where: str = "", resume: str = "never") -> Config:
    return Config(run=Run(dir=where, resume=resume))


def claim(where: str = "", resume: str = "never"):
    return claimed(LocalCommunicator(), told(where, resume), "net")


def save(run_dir: Path | str, *steps: int) -> None:
    for step in steps:
        writer.write(run_dir, Snapshot(step, 0, 0, 0, {"w": np.full(2, step)}, {}), keep=99)


class TestLock:
    def test_a_second_job_is_told_who_the_first_is(self):
        with claim("run"):
            for _ in range(2):  # neither attempt breaks the lock, nor lifts it
                with pytest.raises(UsageError, match=f"process {os.getpid()} on {socket.gethostname()}"), claim("run"):
                    pytest.fail("two jobs in one directory")
        with claim("run"):
            pass

    def test_it_is_the_kernels_so_a_killed_job_leaves_none(self):
        program = f"""
import os
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.trainer.config.config import Config, Run
from ddtrain.trainer.records.run_directory import claimed
with claimed(LocalCommunicator(), Config(run=Run(dir={str(Path.cwd() / "run")!r})), "net"):
    os._exit(9)
"""
        assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 9
        with claim("run") as taken:
            (note,) = taken.notes
        assert "did not end in order" in note
        assert socket.gethostname() in note

    def test_a_killed_jobs_children_may_hold_it(self, monkeypatch):
        with claim("run"):
            monkeypatch.setattr(run_directory, "_read", lambda handle: {"host": socket.gethostname(), "pid": 0})
            with pytest.raises(UsageError, match="end the children of process 0, which is gone itself"), claim("run"):
                pass

    def test_a_lock_that_a_job_lifts_at_this_moment_is_not_mistaken_for_one_of_that_name(self, monkeypatch):
        """Between open and flock the holder removes the file: a lock on what has no name keeps nobody out."""
        Path("run").mkdir()
        real, opened = run_directory.fcntl.flock, []

        def flock(handle, how):
            opened.append(handle)
            if len(opened) == 1:
                Path("run", LOCK).unlink()
            real(handle, how)

        monkeypatch.setattr(run_directory.fcntl, "flock", flock)
        with claim("run"):
            assert len(opened) == 2
            assert Path("run", LOCK).exists()

    def test_where_there_are_no_locks_a_line_says_so(self, monkeypatch):
        def flock(handle, how):
            raise OSError(run_directory.errno.ENOLCK, "No locks available")

        monkeypatch.setattr(run_directory.fcntl, "flock", flock)
        with claim("run") as taken:
            assert taken.notes == ["run cannot be locked (No locks available): start no second job there"]

    def test_no_file_is_written_through_a_link(self):
        Path("run").mkdir()
        Path("mine").write_text("precious")
        Path("run", LOCK).symlink_to(Path("mine").resolve())
        with pytest.raises(DataError, match="ELOOP"), claim("run"):
            pass
        assert Path("mine").read_text() == "precious"

    def test_what_could_not_start_leaves_nothing(self):
        for where in ("some/where/run", ""):
            with claim(where) as taken:
                assert taken.directory.is_dir()
        assert list(Path().iterdir()) == []

    def test_what_was_there_stays(self):
        Path("some/where").mkdir(parents=True)
        with claim("some/where"):
            pass
        assert Path("some/where").is_dir()
        with claim("some/run") as taken:
            (taken.directory / "x").touch()
        assert [path.name for path in Path("some/run").iterdir()] == ["x"]

    def test_all_ranks_hear_of_it(self, world: World):
        def body(comm):
            with claimed(comm, told("run"), "net") as taken:
                first = str(taken.directory)
                with pytest.raises(UsageError, match="another job"), claimed(comm, told("run"), "net"):
                    pass
            return first

        assert world.run(body) == ["run"] * world.size


class TestNewDirectories:
    def test_runs_of_the_same_second_have_one_each(self, monkeypatch):
        monkeypatch.setattr(run_directory.time, "strftime", lambda layout: "now")
        taken = []
        for _ in range(3):
            with claim() as one:
                (one.directory / "x").touch()
                taken.append(str(one.directory))
        assert taken == ["runs/net-now", "runs/net-now-2", "runs/net-now-3"]

    def test_auto_alone_does_not_say_which_run(self):
        with pytest.raises(UsageError, match=r"which run\?\n  Give --run.dir\.$"), claim(resume="auto"):
            pass
        for name in ("net-20260101-000000", "net-20260102-000000", "other-20270101-000000"):
            Path("runs", name).mkdir(parents=True)
        with pytest.raises(UsageError, match="the newest one of net is runs/net-20260102-000000"), claim(resume="auto"):
            pass


class TestFree:
    @staticmethod
    def find(where: str, resume: str = "never"):
        return find_checkpoint(LocalCommunicator(), told(where, resume), Path(where))

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("resume", ["never", "auto", "other"])
    def test_files_that_no_run_has_made_are_not_written_over(self, name, resume):
        save("other", 10)
        Path("mine").mkdir()
        Path("mine", name).write_text("precious") if name != "checkpoints" else Path("mine", name).mkdir()
        with pytest.raises(UsageError, match=f"mine has a {name} that no run has made"):
            self.find("mine", resume)

    def test_other_files_may_lie_beside_a_run(self):
        Path("notes.txt").touch()
        assert self.find(".") is None

    def test_a_run_that_ended_before_its_first_step_gives_way(self):
        Path("run").mkdir()
        atomic_files.write_json("run/status.json", {"state": "failed"})
        for name in ("config.toml", "metrics.jsonl"):
            Path("run", name).touch()
        assert self.find("run") is None
        assert self.find("run", "auto") is None
        Path("run/metrics.jsonl").write_text("{}\n")
        with pytest.raises(UsageError, match="holds a run already"):
            self.find("run")

    def test_a_run_is_not_mixed_with_another(self):
        """To go on from elsewhere in the directory of a run would be to remove that run's checkpoints one by one."""
        save("run", 10)
        save("other", 20)
        for resume in ("never", "other", "other/checkpoints/step-00000020"):
            with pytest.raises(UsageError, match="run holds a run already"):
                self.find("run", resume)
        for resume in ("auto", "run", "run/checkpoints/step-00000010", str(Path("run").resolve())):
            assert self.find("run", resume).snapshot.step == 10
        assert self.find("new", "other").snapshot.step == 20


class TestSupersede:
    def test_what_is_newer_is_put_aside_with_its_part_of_the_log(self, monkeypatch):
        save("run", 10, 20, 30, 40)
        log = Path("run/metrics.jsonl")
        log.write_text("".join(f'{{"step": {step}}}\n' for step in (10, 20, 21, 40)))
        atomic_files.write_json("run/summary.json", {"steps": 40})
        synced = []
        monkeypatch.setattr(run_directory, "sync_directory", lambda path: synced.append(str(path)))
        said = supersede(Path("run"), 20, "run/checkpoints/step-00000020")
        aside = Path("run/superseded-1")
        assert set(synced[-3:]) == {"run", "run/checkpoints", "run/superseded-1"}, "names are on the disk"
        assert said == (
            "superseded: 2 checkpoints of steps 30 and 40, and the log after step 20, are now in run/superseded-1"
        )
        assert sorted(path.name for path in aside.iterdir()) == [
            "metrics.jsonl", "step-00000030", "step-00000040", "summary.json",
        ]  # fmt: skip
        assert [line["step"] for line in metrics.read(aside / "metrics.jsonl")] == [21, 40]
        assert finder.verify(aside / "step-00000040")["step"] == 40
        assert finder.latest("run").snapshot.step == 20
        save("run", 30)
        assert supersede(Path("run"), 10, "").endswith("and the log after step 10, are now in run/superseded-2")

    def test_nothing_newer_is_nothing_to_say(self):
        save("run", 10)
        assert supersede(Path("run"), 10, "auto") == ""
        assert [path.name for path in Path("run").iterdir()] == ["checkpoints"]

    def test_what_is_behind_a_link_is_not_moved(self):
        save("archive", 10, 20)
        Path("run").mkdir()
        Path("run/checkpoints").symlink_to(Path("archive/checkpoints").resolve())
        with pytest.raises(UsageError, match="behind a symbolic link"):
            supersede(Path("run"), 10, "run/checkpoints/step-00000010")
        assert supersede(Path("run"), 10, "auto") == "", "those that auto passed over were refused, and stay"
        assert finder.latest("archive").snapshot.step == 20
