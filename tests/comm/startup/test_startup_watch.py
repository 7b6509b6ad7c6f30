"""Which ranks of a machine are still there, told from processes that are made up; nothing where it cannot be told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ddtrain.comm.startup import startup_watch
from ddtrain.comm.startup.environment import Launcher

FACTS = Launcher(size=3, rank=0, local_size=3, variable="PMI_SIZE")
AGENT, ME = 10, 100


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """``process(pid, parent, rank)`` makes one; this process is number 100."""
    monkeypatch.setattr(startup_watch, "_PROC", tmp_path)
    monkeypatch.setattr(os, "getpid", lambda: ME)
    (tmp_path / "meminfo").write_text("no process")

    def make(pid: int, parent: int, rank: int | None = None) -> None:
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} (a (odd) name) S {parent} 1 1 0\n")
        told = b"" if rank is None else f"PMI_RANK={rank}\0PMI_SIZE=3\0".encode()
        (folder / "environ").write_bytes(b"HOME=/\0" + told)

    return make


def ranks(process, numbers, parent: int = AGENT) -> None:  # type: ignore[no-untyped-def]
    for rank in numbers:
        process(ME + rank, parent, rank)


def test_all_are_there(process):  # type: ignore[no-untyped-def]
    process(AGENT, 1)
    ranks(process, [0, 1, 2])
    assert startup_watch.live_ranks(FACTS) == {0, 1, 2}


def test_one_is_missing_though_its_child_lives_on(process):  # type: ignore[no-untyped-def]
    process(1, 0)
    process(AGENT, 1)
    ranks(process, [0, 2])
    process(300, 1, 1)  # of rank 1: it fell to process 1 when rank 1 ended
    process(301, ME, 0)  # a worker of rank 0
    assert startup_watch.live_ranks(FACTS) == {0, 2}
    assert startup_watch._missing(FACTS, frozenset({0, 2})).startswith("rank 1 ended before MPI had started")


def test_ranks_may_be_started_by_scripts(process):  # type: ignore[no-untyped-def]
    process(AGENT, 1)
    for rank in (0, 1):
        process(50 + rank, AGENT, rank)
        process(ME + rank, 50 + rank, rank)
    assert startup_watch.live_ranks(FACTS) == {0, 1}


def test_another_job_on_the_machine_is_another_job(process):  # type: ignore[no-untyped-def]
    process(1, 0)
    process(AGENT, 1)
    process(AGENT + 1, 1)
    ranks(process, [0, 1])
    process(200, AGENT + 1, 2)
    assert startup_watch.live_ranks(FACTS) == {0, 1}


def test_nothing_is_concluded_in_a_container_for_each_rank(process):  # type: ignore[no-untyped-def]
    process(1, 0)
    process(ME, 1, 0)
    assert startup_watch.live_ranks(FACTS) == frozenset()


def test_nothing_is_concluded_without_proc(process, tmp_path):  # type: ignore[no-untyped-def]
    assert startup_watch.live_ranks(FACTS) == frozenset()


def test_some_of_a_machine_among_others() -> None:
    facts = Launcher(size=8, rank=4, local_size=4, variable="PMI_SIZE")
    assert startup_watch._missing(facts, frozenset({4, 5, 7})).startswith("1 of the 4 ranks of ")


@pytest.mark.parametrize("size", [1, 2])
def test_a_rank_whose_launcher_is_killed_ends(size: int) -> None:
    """A rank is started by a process that is then killed; one without a launcher lives on."""
    rank = (
        "import time; from ddtrain.comm.startup import startup_watch; "
        "from ddtrain.comm.startup.environment import Launcher; "
        f"startup_watch.exit_with_launcher(Launcher(size={size}, rank=0, local_size={size}, variable='PMI_SIZE')); "
        "print('started', flush=True); time.sleep(2); print('lived on')"
    )
    launch = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {rank!r}]); time.sleep(60)"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", launch], **pipes) as started:
        assert started.stdout
        assert started.stderr
        assert started.stdout.readline() == "started\n"
        started.kill()
        left, said = started.stdout.read(), started.stderr.read()  # until the rank has ended, too
    gone = "ddtrain: error: what started this rank has ended, and so does it\n"
    assert (left, said) == (("lived on\n", "") if size == 1 else ("", gone))
