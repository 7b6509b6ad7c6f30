"""However a rank ends, all ranks end, with the right exit code, and the reason is said once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worlds import mpirun

PROGRAM = str(Path(__file__).with_name("ends.py"))
HANG_S = 30  # a run that is still alive then hangs; it should take two


def run(name: str, spec: str, ranks: int = 0, **environ: str) -> subprocess.CompletedProcess[str]:
    launch = [mpirun(), "-n", str(ranks)] if ranks else []
    return subprocess.run(
        [*launch, sys.executable, PROGRAM, name, spec],
        env={**os.environ, **environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=HANG_S,
    )


@pytest.mark.parametrize(("spec", "ranks"), [("auto", 0), ("threads:3", 0), ("auto", 2), ("mpi", 1), ("debug:mpi", 3)])
def test_a_run_without_incident(spec: str, ranks: int) -> None:
    done = run("all_return", spec, ranks)
    assert (done.returncode, done.stderr) == (0, "")
    size = ranks or (3 if spec == "threads:3" else 1)
    assert done.stdout.endswith(f" of {size}\n")
    assert ("mpi" in done.stdout) == bool(ranks)


def test_ranks_may_return_at_different_times() -> None:
    done = run("one_returns_late", "mpi", 2)
    assert (done.returncode, done.stdout, done.stderr) == (0, "late\n", "")


@pytest.mark.parametrize(("name", "rank"), [("one_raises", 2), ("one_raises_late", 2), ("one_raises_amid_sums", 0)])
@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 4), ("threads:4", 0)])
def test_an_exception_on_one_rank_ends_all(name: str, rank: int, spec: str, ranks: int) -> None:
    done = run(name, spec, ranks)
    assert done.returncode == 70
    assert done.stderr.count("Traceback") == done.stderr.count(f"[rank {rank}] ValueError: boom") == 1
    assert done.stdout.count("told of") == done.stdout.count(f"told of ValueError on rank {rank}") == 1


@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 3), ("threads:3", 0)])
def test_the_same_exception_on_all_ranks_is_printed_once(spec: str, ranks: int) -> None:
    done = run("all_raise", spec, ranks)
    assert done.returncode == 70
    assert done.stderr.count("[all ranks] ValueError: boom") == done.stderr.count("Traceback") == 1


@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 3), ("threads:3", 0), ("local", 0)])
def test_an_exception_in_a_background_thread_ends_all(spec: str, ranks: int) -> None:
    done = run("a_thread_raises", spec, ranks)
    assert done.returncode == 70
    assert done.stderr.count("Traceback") == done.stderr.count("prefetch] ValueError: boom") == 1
    assert "told of ValueError" in done.stdout


@pytest.mark.parametrize("name", ["agreed_usage", "all_usage"])
@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 3), ("threads:3", 0), ("local", 0)])
def test_a_usage_error_is_one_line_and_code_2(name: str, spec: str, ranks: int) -> None:
    done = run(name, spec, ranks)
    assert done.returncode == 2
    where = " (on rank 1 of 3)" if name == "agreed_usage" and spec != "local" else ""
    assert done.stderr == f"ddtrain: error: the width is odd{where}: Give an even one.\n"
    assert done.stdout == "told of UsageError on rank 0\n"


@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 3), ("threads:3", 0)])
def test_exits(spec: str, ranks: int) -> None:
    done = run("all_exit", spec, ranks)
    assert (done.returncode, done.stdout) == (3, "told of SystemExit on rank 0\n")
    assert done.stderr == "ddtrain: ended by sys.exit(3)\n"
    done = run("one_exits", spec, ranks)
    assert done.returncode == 70
    assert "[rank 1] ddtrain: ended by sys.exit(0)\n" in done.stderr


@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 2), ("threads:3", 0), ("local", 0)])
def test_a_message_given_to_sys_exit_is_said_once(spec: str, ranks: int) -> None:
    done = run("all_say_why", spec, ranks)
    assert (done.returncode, done.stdout, done.stderr) == (1, "told of SystemExit on rank 0\n", "gave up\n")


@pytest.mark.parametrize(("spec", "ranks"), [("mpi", 2), ("threads:3", 0)])
def test_what_main_returns_is_the_exit_code(spec: str, ranks: int) -> None:
    done = run("returns_a_code", spec, ranks)
    assert (done.returncode, done.stdout, done.stderr) == (75, "", "")


def test_an_exception_that_cannot_say_what_it_is() -> None:
    done = run("all_raise_what_cannot_be_shown", "threads:3")
    assert done.returncode == 70
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("[all ranks] Mute: <exception str() failed>\n")


@pytest.mark.parametrize(("spec", "ranks"), [("local", 0), ("mpi", 2)])
def test_a_forked_child_is_no_rank(spec: str, ranks: int) -> None:
    done = run("a_child_exits", spec, ranks)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"child ended with {code}" for code in (5, 1, 6)]


def test_a_rank_that_ends_before_mpi_starts_ends_all() -> None:
    done = run("rank_1_ends_early", "auto", 3)
    assert done.returncode == 70
    assert done.stderr.count("Traceback") == done.stderr.count("No module named 'mine'\n") == 1
    assert done.stderr.count("ddtrain: error: rank 1 ended before MPI had started") == 1


def test_what_goes_wrong_on_one_rank_before_the_ranks_meet_ends_all() -> None:
    done = run("rank_1_cannot_read_its_options", "auto", 2)
    assert done.returncode == 70
    assert done.stderr.count("[rank 1] RecursionError: so deep") == 1
    assert done.stdout == "told of RecursionError on rank 1\n"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("debug:mpi", "ranks disagree: --comm.backend is debug:mpi on rank 1 but mpi on the others: "),
        ("threads:2", "--comm.backend threads:2 runs in one process, but the launcher started 3 (PMI_SIZE) (on rank 1"),
    ],
)
def test_another_backend_on_one_rank_is_refused_once(spec: str, said: str) -> None:
    done = run("all_return", f"odd:{spec}", 3)
    assert done.returncode == 2
    assert done.stderr.startswith(f"ddtrain: error: {said}")
    assert done.stderr.count("\n") == 1


def test_an_interrupt_is_no_traceback() -> None:
    done = run("interrupted", "local")
    assert (done.returncode, done.stderr) == (130, "ddtrain: interrupted\n")


def test_signal_handlers_run_inside_a_collective() -> None:
    done = run("signal_while_waiting", "mpi", 2)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("spec", "variable", "rank"), [("mpi", "PMI", 0), ("auto", "OMPI_COMM_WORLD", 0), ("mpi", "PMI", 1)]
)
def test_singletons_are_refused(spec: str, variable: str, rank: int) -> None:
    """The launcher of another MPI starts N worlds of one; each would train the whole job, and overwrite the others."""
    done = run("all_return", spec, **{f"{variable}_SIZE": "4", f"{variable}_RANK": str(rank)})
    assert done.returncode == 2
    if rank == 0:
        assert f"started 4 processes ({variable}_SIZE=4), but the MPI world of each has size 1" in done.stderr
    assert done.stderr.count("\n") == (rank == 0)  # said once


def test_one_process_backends_under_mpirun_are_refused_once() -> None:
    done = run("all_return", "threads:2", 3)
    assert done.returncode == 2
    assert done.stderr.count("--comm.backend threads:2 runs in one process, but the launcher started 3") == 1
