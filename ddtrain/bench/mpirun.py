"""Ranks for a benchmark that starts its own: ``mpirun`` on this machine, a job in, what every rank found out.

A job is a module ``ddtrain.bench.<name>.job`` with ``run(comm, **settings)``; settings and findings travel as JSON
(``rank_main.py`` is the other end).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ddtrain.bench.machine import cores
from ddtrain.blas_threads import VARIABLES
from ddtrain.comm import launcher
from ddtrain.errors import EXCEPTION, DdtrainError, UsageError

MOST_PER_CORE = 16  # ranks a core; with more, the machine mostly switches processes and fills its memory with copies
_OVERSUBSCRIBE = {  # Open MPI 4 and 5 refuse more ranks than cores without being asked; MPICH does not read these
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}


class Hosts(Protocol):
    """Where ranks are started, if not on this machine itself."""

    @property
    def environ(self) -> Mapping[str, str]:
        """What the ranks' environment must say."""
        ...

    def command(self, program: Sequence[str]) -> list[str]:
        """What starts a program on every host."""
        ...


class LaunchError(DdtrainError):
    """Ranks could not be started, or ended with an error, whose exit code this has."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = code


def mpirun() -> str:
    """The launcher that belongs to this Python, else the one on PATH.

    Raises
    ------
    UsageError : there is none
    """
    # the mpich package puts its mpirun beside this Python, and mpi4py uses the same library
    beside = Path(sys.executable).with_name("mpirun")
    found = str(beside) if beside.exists() else shutil.which("mpirun")
    if not found:
        raise UsageError(
            "no mpirun was found, which starts the ranks",
            remedy="Load the cluster's MPI module, or `python -m pip install mpich`.",
        )
    return found


def check_sizes(text: str, option: str = "--ranks") -> list[int]:
    """Numbers of ranks separated by commas, ascending, that this machine can start.

    Raises
    ------
    UsageError : not such numbers, or more than :data:`MOST_PER_CORE` a core; or mpirun started this process already

    >>> check_sizes("2,1")
    [1, 2]
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"{option} {text}: expected numbers of ranks, 1 or more", remedy=f"Write {option} 1,2,4.")
    sizes, most = sorted({int(part) for part in parts}), MOST_PER_CORE * cores()
    if sizes[-1] > most:
        raise UsageError(
            f"{option} {text}: {sizes[-1]} ranks are more than this machine can start, with {cores()} cores",
            remedy=f"Give at most {most}; for larger worlds there is `bench predict`.",
        )
    if launcher().size > 1:
        raise UsageError(
            f"this benchmark starts its own ranks, but {launcher().size} were started ({launcher().variable})",
            remedy="Start it without mpirun.",
        )
    mpirun()
    return sizes


def launch(ranks: int, name: str, backend: str = "auto", hosts: Hosts | None = None, **settings: Any) -> list[Any]:
    """Run a job on ``ranks`` processes of this machine; what it returned on each, in rank order.

    Parameters
    ----------
    name : of the job
    backend : as --comm.backend of ddtrain.train
    hosts : where the ranks are started, one on each, if not on this machine itself
    settings : keyword arguments of the job, JSON-able

    Raises
    ------
    LaunchError : with the ranks' own last words and exit code
    """
    with tempfile.TemporaryDirectory(prefix="ddtrain-bench-") as folder:
        out = Path(folder) / "found.json"
        job = [sys.executable, "-m", "ddtrain.bench.rank_main", name, backend, json.dumps(settings), str(out)]
        environment = {**dict.fromkeys(VARIABLES, "1"), **_OVERSUBSCRIBE, **os.environ}
        environment |= hosts.environ if hosts else {}
        process = subprocess.run(
            hosts.command(job) if hosts else [mpirun(), "-n", str(ranks), *job],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if process.returncode or not out.exists():
            raise _failure(f"{ranks} ranks", process.returncode, process.stderr + process.stdout)
        found: list[Any] = json.loads(out.read_text())
        return found


def _failure(who: str, code: int, said: str) -> LaunchError:
    """The line that says why, among all that ranks and launcher print when a job dies.

    >>> print(_failure("2 ranks", 2, "ddtrain: error: batch size 0\\n= BAD TERMINATION =\\n"))
    2 ranks ended with exit code 2: batch size 0
    >>> print(_failure("2 ranks", 70, "[rank 1]   File x\\n[rank 1] ValueError: no\\nAbort(70)\\n"))
    2 ranks ended with exit code 70: [rank 1] ValueError: no
    """
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    ours = [line.partition("ddtrain: error: ")[2] for line in lines if "ddtrain: error: " in line]
    raised = [line for line in lines if line.startswith(("[rank", "[all ranks]")) and not line.endswith(":")]
    words = [*ours[:1], *raised[-1:], *lines[-1:], "nothing was said"]
    code = code if 0 < code < 128 else EXCEPTION  # other codes mean that a signal ended it
    return LaunchError(f"{who} ended with exit code {code}: {words[0]}", code)
