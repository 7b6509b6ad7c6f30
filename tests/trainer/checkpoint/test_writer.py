"""Checkpoints are whole or refused by name, whatever happens between any two system calls."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from snapshots import make, steps

from ddtrain.checkpoint import main
from ddtrain.comm import run_ranks
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint import writer
from ddtrain.trainer.checkpoint.contents import FILES
from ddtrain.trainer.checkpoint.finder import latest, verify
from ddtrain.trainer.checkpoint.writer import write

CALLS = ("fsync", "rename", "mkdir", "unlink", "rmdir", "replace")


def count_calls(monkeypatch, on_call):
    """Have ``on_call(n)`` run before the n-th system call that changes a directory or syncs."""
    seen = [0]

    def wrap(real):
        def call(*args, **kwargs):
            seen[0] += 1
            on_call(seen[0])
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, wrap(getattr(os, name)))
    return seen


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_anything_goes(tmp_path, monkeypatch):
    """A page cache hides a missing fsync from every other test, so the order of the calls is looked at."""
    write(tmp_path, make(10, metrics={}), keep=1)
    calls = []

    def recorded(name, real):
        def call(*args):
            target = os.readlink(f"/proc/self/fd/{args[0]}") if name == "fsync" else os.fspath(args[0])
            calls.append((name, os.path.basename(target)))
            return real(*args)

        return call

    for name in ("fsync", "rename", "rmdir"):
        monkeypatch.setattr(os, name, recorded(name, getattr(os, name)))
    write(tmp_path, make(20, metrics={}), keep=1)
    assert calls == [
        ("fsync", tmp_path.name),
        *(("fsync", name) for name in FILES),
        ("fsync", ".tmp-step-00000020"),
        ("rename", ".tmp-step-00000020"),
        ("fsync", "checkpoints"),
        ("rename", "step-00000010"),
        ("fsync", "checkpoints"),
        ("rmdir", ".gone-step-00000010"),
    ]
    calls.clear()
    writer.amend(tmp_path / "checkpoints" / "step-00000020", {"evaluated": 20})
    state = ".tmp-state.json"
    assert calls == [("fsync", state), ("rename", state), ("fsync", "step-00000020")]


def test_nothing_older_goes_before_the_new_one_was_read_back(tmp_path, monkeypatch):
    write(tmp_path, make(10, metrics={}), keep=1)
    honest = writer.write_new
    monkeypatch.setattr(writer, "write_new", lambda path, data: honest(path, data[:-1] + b"x"))
    with pytest.raises(CheckpointError, match=r"step-00000020.*damaged"):
        write(tmp_path, make(20, metrics={}), keep=1)
    assert latest(tmp_path).snapshot.step == 10


def no_space(call):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Killed(BaseException):
    """Stands for SIGKILL: nobody catches it, so nothing is cleaned up."""


def history(run_dir):
    """Saves of every kind: one beside another, one in place of another; completions that remove one or the other."""
    write(run_dir, make(10, 0.5), keep=1)
    yield 10
    for step, loss in [(20, 0.6), (30, 0.4), (30, 0.3), (40, 0.2)]:
        path = write(run_dir, make(step, 0.5, evaluated=0), keep=1)
        yield step
        writer.amend(path, {"metrics": {"valid_loss": loss}, "evaluated": step}, keep=1)
        yield step


def test_killed_between_any_two_calls_whole_checkpoints_are_found_and_the_next_save_cleans_up(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # a killed writer's bytes are not lost, and this is quicker
    for n in range(1, 500):
        run_dir, reached = tmp_path / str(n), 0

        def kill(call, n=n):
            if call == n:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            seen = count_calls(patch, kill)
            try:
                for step in history(run_dir):
                    reached = step
            except Killed:
                assert seen[0] == n
        found = latest(run_dir)
        if reached:
            assert found.snapshot.step >= reached, "what was saved is there"
            assert found.refused == ()
            assert_sound(run_dir)
        write(run_dir, make(50, 0.1), keep=1)
        assert [path.name for path in (run_dir / "checkpoints").iterdir()] == ["step-00000050"]
        if seen[0] < n:
            break
    assert 80 < n < 499  # every call of these saves was hit, and then one was not


def assert_sound(run_dir):
    """Whatever looks like a checkpoint is a whole one, for those who look with other eyes, too."""
    assert main(["verify", str(run_dir)]) == 0
    for path in (run_dir / "checkpoints").glob("step-*"):
        assert verify(path)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_an_error_at_any_call_keeps_the_old_and_says_why(tmp_path, code):
    write(tmp_path, make(10, metrics={}, memory={}), keep=1)
    messages = []
    for n in range(1, 100):

        def fail(call, n=n):
            if call == n:
                raise OSError(code, os.strerror(code))

        with pytest.MonkeyPatch.context() as patch:
            seen = count_calls(patch, fail)
            try:
                write(tmp_path, make(20, metrics={}, memory={}), keep=2)
            except CheckpointError as error:
                messages.append(error.message)
        assert latest(tmp_path).refused == ()
        assert not list((tmp_path / "checkpoints").glob(".tmp-*"))
        if seen[0] < n:
            break
    assert len(messages) >= 7  # three files, two directories, the rename, ...
    for part in (errno.errorcode[code], "bytes wanted", str(tmp_path)):
        assert all(part in message for message in messages)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_FSIZE as Linux has it")
def test_a_real_limit_on_file_sizes(tmp_path):
    """EFBIG from the kernel, in the middle of a file, in a process of its own."""
    write(tmp_path, make(10))
    program = f"""
import resource, numpy as np
from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint.writer import write
from ddtrain.trainer.checkpoint.contents import Snapshot
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write({str(tmp_path)!r}, Snapshot(20, 0, 0, 0, {{"w": np.ones(100_000)}}, {{}}))
except CheckpointError as error:
    print(error.one_line)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert "File too large (EFBIG), 80" in done.stdout, done.stderr
    assert "ulimit" in done.stdout
    assert steps(tmp_path) == [10]
    assert verify(latest(tmp_path).path)


def test_a_file_where_the_directory_should_be(tmp_path):
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(CheckpointError, match=r"EEXIST|ENOTDIR"):
        write(tmp_path, make())
    with pytest.raises(CheckpointError, match="Not a directory"):
        latest(tmp_path)


class TestSave:
    def test_one_rank(self, tmp_path):
        assert writer.save(LocalCommunicator(), tmp_path, make).name == "step-00000120"

    @pytest.mark.parametrize("full", [False, True])
    def test_rank_0_writes_and_all_know_how_it_went(self, tmp_path, full, monkeypatch):
        def body(comm):
            taken = []
            try:
                path = writer.save(comm, tmp_path, lambda: taken.append(1) or make())
            except CheckpointError as error:
                path = error.one_line
            results[comm.rank] = (path, len(taken))

        if full:
            count_calls(
                monkeypatch, lambda call: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
            )
        results = [None] * 3
        assert run_ranks("threads:3", body) == 0
        assert [taken for _, taken in results] == [1, 0, 0]
        assert len({path for path, _ in results}) == 1
        assert ("ENOSPC" in str(results[2][0])) == full
        assert (results[0][0] == Path(tmp_path / "checkpoints" / "step-00000120")) != full
