"""The runner of MPI tests itself: whatever a test does to its ranks, every test gets its own result."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TESTS = """
import os, time
import pytest

@pytest.mark.mpi(sizes=(2,))
def test_passes(comm):
    assert comm.exchange_objects(comm.rank) == [0, 1]

@pytest.mark.mpi(sizes=(2,))
def test_hangs(comm):
    if comm.rank == 0:
        comm.barrier()

@pytest.mark.mpi(sizes=(2,))
def test_passes_after_a_hang(comm):
    comm.barrier()

@pytest.mark.mpi(sizes=(2,))
def test_crashes(comm):
    if comm.rank == 1:
        os._exit(0)
    comm.barrier()

@pytest.mark.mpi(sizes=(2,))
def test_fails_on_one_rank(comm):
    assert comm.rank == 0, "seen"

@pytest.mark.mpi(sizes=(2,))
def test_skips(comm):
    pytest.skip("why not")

@pytest.mark.mpi(sizes=(1, 2))
def test_sizes(comm, world_size):
    assert comm.size == world_size

def test_without_mpi():
    pass
"""


def test_hangs_and_crashes_cost_one_test_each(tmp_path: Path) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here.parent), str(here)])
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p conftest\n")
    (tmp_path / "test_them.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rA", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "DDTRAIN_TEST_HANG_S": "4"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
    )
    results = dict(re.findall(r"::(\w+(?:\[\w+\])?) (PASSED|FAILED|SKIPPED)", done.stdout))
    assert results == {
        "test_passes[np2]": "PASSED",
        "test_hangs[np2]": "FAILED",
        "test_passes_after_a_hang[np2]": "PASSED",
        "test_crashes[np2]": "FAILED",
        "test_fails_on_one_rank[np2]": "FAILED",
        "test_skips[np2]": "SKIPPED",
        "test_sizes[np1]": "PASSED",
        "test_sizes[np2]": "PASSED",
        "test_without_mpi": "PASSED",
    }, done.stdout + done.stderr
    assert "[rank 1] " in done.stdout
    assert "AssertionError: seen" in done.stdout
    assert "no result from ranks" in done.stdout
