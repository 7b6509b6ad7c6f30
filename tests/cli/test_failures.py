"""What goes wrong during training: every rank ends, with one code and one reason, and the status says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import faulty
import pytest

from helpers import launch
from worlds import mpirun


def status(run_dir):
    told = json.loads((run_dir / "status.json").read_text())
    return {name: told[name] for name in ("state", "code", "rank", "step")}


@pytest.mark.parametrize(
    ("kind", "who", "said"),
    [
        ("exception", "[rank 2] ", "RuntimeError: the model is wrong"),
        ("background", "[rank 2, prefetch] ", "IndexError: list index out of range"),
        ("exit_0", "[rank 2] ", "ddtrain: ended by sys.exit(0)"),
    ],
)
def test_one_rank_ends_all(tmp_path, job, kind, who, said):
    """That it ends at all is the time limit of ``launch``; an orderly exit alone waits 3 s for the others."""
    done = job(3, "--run.dir", "run", "--fault.kind", kind, "--fault.rank", "2")
    assert done.returncode == 70
    ours = [line for line in done.stderr.splitlines() if line.startswith("[")]
    assert all(line.startswith(who) for line in ours)
    assert f"{who}{said}" in ours
    assert sum("Traceback" in line for line in ours) == (kind != "exit_0")
    if kind == "exception":
        assert ours[-1] == "[rank 2] rank 2, step 7, in forward"
    assert status(tmp_path / "run") == {"state": "failed", "code": 70, "rank": 2, "step": 6}


def test_all_ranks_leaving_by_sys_exit_is_no_completion(tmp_path, job):
    done = job(0, "--run.dir", "run", "--fault.kind", "exit_0", "--fault.rank", "0")
    assert (done.returncode, done.stderr) == (70, "ddtrain: ended by sys.exit(0)\n")
    assert status(tmp_path / "run") == {"state": "failed", "code": 70, "rank": 0, "step": 6}


def test_ranks_that_would_round_differently_are_refused(tmp_path):
    one = [sys.executable, faulty.__file__, "--run.dir", "run"]
    command = [mpirun(), "-n", "1", *one, ":", "-n", "1", "env", "OPENBLAS_NUM_THREADS=2", *one]
    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("ddtrain: error: ranks disagree: arithmetic BLAS threads is 2 on rank 1 but ")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("ranks", [0, 3])
def test_nan_stops_all_ranks_after_the_same_step(tmp_path, job, complaint, ranks):
    backend = [] if ranks else ["--comm.backend", "threads:3"]
    line = complaint(job(ranks, "--run.dir", "run", "--fault.kind", "nan", *backend), 73)
    assert line.startswith("training: loss is nan, gradient norm is nan: multiply produced nan at index (0,)")
    assert "rank 1, step 7, sample " in line
    assert line.endswith("faulty.py:134")
    assert status(tmp_path / "run") == {"state": "failed", "code": 73, "rank": 0, "step": 6}


def test_nan_skipped_changes_nothing_and_is_said(job, tmp_path):
    done = job(
        0, "--run.dir", "run", "--fault.kind", "nan", "--nonfinite.action", "skip", "--comm.backend", "threads:3"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("warning: step 7: step skipped: loss or gradient is not finite") == 1
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line.get("loss") == "NaN"] == [7]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("log", "log produced nan at index ("),
        ("sqrt", "the derivative of sqrt with respect to argument 0 has nan at index (0,)"),
    ],
)
def test_debug_names_the_operation_line_rank_and_sample(job, complaint, kind, what):
    debugged = job(0, "--run.dir", "run", "--fault.kind", kind, "--debug.nans")
    line = complaint(debugged, 73)
    assert line.startswith(what)
    assert ", faulty.py:" in line
    assert "rank 0, step " in line
    assert "sample 5," in line or kind != "log"


def test_debug_under_mpirun_names_the_rank(tmp_path, job):
    done = job(3, "--run.dir", "run", "--fault.kind", "log", "--debug.nans")
    assert done.returncode == 73
    (line,) = [line for line in done.stderr.splitlines() if "ddtrain: error: " in line]
    assert "log produced nan" in line
    assert "sample 5, faulty.py:" in line
    assert f"rank {status(tmp_path / 'run')['rank']}, step " in line


def test_a_deadlock_of_threads_shows_who_waits_where(tmp_path):
    args = ("--run.dir", "run", "--fault.kind", "stray_call", "--comm.backend", "threads:4")
    done = launch(0, *args, cwd=tmp_path)  # in a process of its own, which can be killed
    assert done.returncode == 71
    assert done.stderr.startswith("ddtrain: error: every rank waits for another, so none can go on\n")
    for rank, waits_for in enumerate(["rank 1", "ranks 0, 2 and 3", "rank 1", "rank 1"]):
        (line,) = [line for line in done.stderr.splitlines() if line.strip().startswith(f"rank {rank}: ")]
        assert line.endswith(f"waits for {waits_for}")
        assert ("faulty.py:" in line) == (rank == 1)
    assert status(tmp_path / "run")["code"] == 71
