"""The runner of MPI tests itself: whatever a test does to its ranks, every test gets its own result."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from worlds import mpirun

TESTS = """
import os, time
import pytest

@pytest.mark.mpi(min_size=2)
def test_passes(comm):
    assert comm.exchange_objects(comm.rank) == list(range(comm.size))

@pytest.mark.mpi(min_size=2)
def test_hangs(comm):
    if comm.rank == 0:
        comm.barrier()

@pytest.mark.mpi(min_size=2)
def test_passes_after_a_hang(comm):
    comm.barrier()

@pytest.mark.mpi(min_size=2)
def test_crashes(comm):
    if comm.rank == 1:
        os._exit(0)
    comm.barrier()

@pytest.mark.mpi(min_size=2)
def test_fails_on_one_rank(comm):
    assert comm.rank == 0, "seen"

@pytest.mark.mpi(min_size=2)
def test_skips(comm):
    pytest.skip("why not")

@pytest.mark.mpi
def test_sizes(comm, world_size):
    assert comm.size == world_size

@pytest.mark.mpi(min_size=4)
def test_four(comm):
    assert False, "is not run on three ranks"

def test_without_mpi():
    pass
"""


def pytest_in(folder: Path, *args: str, ranks: int = 0) -> subprocess.CompletedProcess[str]:
    """A pytest of its own on the tests above, with ranks or without."""
    here = Path(__file__).parent
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p mpi_launches\n")
    (folder / "test_them.py").write_text(TESTS)
    start = [mpirun(), "-n", str(ranks)] if ranks else []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*start, sys.executable, "-m", "pytest", "-rA", "-p", "no:cacheprovider", *args, str(folder)],
        env={**environment, "PYTHONPATH": os.pathsep.join([str(here.parent), str(here)]), "DDTRAIN_TEST_HANG_S": "4"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_hangs_and_crashes_cost_one_test_each(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, "-v", "-k", "np1 or np2 or without")
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


def test_every_size_that_fits_is_tried(tmp_path: Path) -> None:
    done = pytest_in(tmp_path, "--collect-only", "-q")
    assert re.findall(r"::test_sizes\[(\w+)\]", done.stdout) == ["np1", "np2", "np3", "np4"]
    assert re.findall(r"::test_passes\[(\w+)\]", done.stdout) == ["np2", "np3", "np4"]


def test_workers_of_xdist_give_the_same_results(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    done = pytest_in(tmp_path, "-n", "2", "-k", "passes and not hang or sizes or without")
    results = re.findall(r"^(PASSED|FAILED|SKIPPED) .*::(\w+(?:\[\w+\])?)$", done.stdout, re.MULTILINE)
    sizes = [f"test_sizes[np{n}]" for n in (1, 2, 3, 4)] + [f"test_passes[np{n}]" for n in (2, 3, 4)]
    assert sorted(results) == sorted(("PASSED", name) for name in (*sizes, "test_without_mpi")), done.stdout


@pytest.mark.parametrize(("option", "passed"), [("--with-mpi", 3), ("--only-mpi", 2)])
def test_on_ranks_that_are_there_it_is_pytest_mpis(tmp_path: Path, option: str, passed: int) -> None:
    """Three ranks run what fits three ranks, and with ``--with-mpi`` what is for one process, too."""
    done = pytest_in(tmp_path, option, "-k", "passes and not hang or sizes or without or four", ranks=3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(f"{passed} passed") == 3, done.stdout
    assert "Test requires 4 MPI processes, only 3 MPI processes specified" in done.stdout
    assert done.stdout.count("size: 3") == 3
