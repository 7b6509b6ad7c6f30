"""MPI is started by ddtrain, or by the program in its own way, and ended once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
{first}
import os, sys
from ddtrain.comm import run_ranks

def main(comm):
    from mpi4py import MPI
    comm.barrier()
    print(MPI.Query_thread() == MPI.THREAD_{level}, MPI.COMM_WORLD.Get_errhandler() == MPI.ERRORS_RETURN, flush=True)
    if {forks} and os.fork() == 0:
        sys.exit(3)  # which ends a child, and not its parent's MPI
    assert not {forks} or os.waitstatus_to_exitcode(os.wait()[1]) == 3
    comm.barrier()

sys.exit(run_ranks("mpi", main))
"""
FINALIZED = "MPI has been finalized, and cannot be started again: Leave out MPI.Finalize()"


@pytest.mark.parametrize(
    ("first", "level"),
    [
        ("", "MULTIPLE"),
        ("from mpi4py import MPI", "MULTIPLE"),
        ("import mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI", "MULTIPLE"),
        ("import mpi4py; mpi4py.rc(initialize=False, thread_level='serialized')", "SERIALIZED"),
        ("import mpi4py; mpi4py.rc.threads = False", "SINGLE"),
        (
            "import mpi4py; mpi4py.rc(initialize=False, finalize=True); from mpi4py import MPI\n"
            "MPI.Init_thread(MPI.THREAD_FUNNELED)",
            "FUNNELED",
        ),
    ],
    ids=["ours", "imported", "not initialised", "another level", "no threads", "theirs"],
)
def test_whoever_starts_it(first: str, level: str) -> None:
    done = run(PROGRAM.format(first=first, level=level, forks=not first))  # mpi4py has children finalize MPI at exit
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True\n", "")


def test_what_is_over_is_said() -> None:
    done = run(PROGRAM.format(first="from mpi4py import MPI\nMPI.Finalize()", level="MULTIPLE", forks=False))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ddtrain: error: {FINALIZED}")


def run(program: str) -> subprocess.CompletedProcess[str]:
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("PMI_", "OMPI_"))}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=alone, capture_output=True, text=True, timeout=60, check=False)
