"""The terminal of the mpirun that has started this process, found in Linux's table of processes.

Under mpirun a rank's standard output is a pipe, or with Open MPI a terminal made for the rank; neither says where the
output goes in the end. But mpirun is a process among the rank's parents, where it runs on the same machine, and its own
standard output can be looked up: a terminal, a file, or a pipe to another program.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# Names of MPICH's, Intel's and Open MPI's launchers and of their helpers, as the system cuts them: after 15 letters
_LAUNCHERS = {
    *("mpirun", "mpiexec", "mpiexec.hydra", "hydra_pmi_proxy", "hydra_bstrap_pr"),
    *("orterun", "orted", "prterun", "prte", "prted"),
}
# What makes mpirun write to other files, or put a rank's number before its output, by its beginnings
_ELSEWHERE = ("l", "prepend", "outfile", "output", "tag-output", "timestamp-output", "xml", "xterm")


class _Process(NamedTuple):
    name: str
    parent: int


def device(pid: int, own: Sequence[str], proc: Path = Path("/proc")) -> Path | None:
    """The standard output of the mpirun that has started a process; None if none has, or none on this machine.

    Parameters
    ----------
    pid, own : the process, and its command line
    proc : the table of processes

    Returns
    -------
    A device such as /dev/pts/3, or whatever else it is; ``/dev/null`` if mpirun was told to write to other places.
    """
    try:
        above, top = _process(proc, pid).parent, 0
        while above > 1 and (process := _process(proc, above)).name in _LAUNCHERS:
            top, above = above, process.parent
        if not top:
            return None
        told = (proc / str(top) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        options = told[1 : told.index(own[0])] if own and own[0] in told else told[1:]
        if any(option.startswith("-") and option.lstrip("-").startswith(_ELSEWHERE) for option in options):
            return Path(os.devnull)
        return Path(os.readlink(proc / str(top) / "fd" / "1"))
    except (OSError, ValueError, IndexError):  # the table cannot be read here, or its process has ended
        return None


def _process(proc: Path, pid: int) -> _Process:
    text = (proc / str(pid) / "stat").read_text(errors="replace")
    name, _, rest = text.partition("(")[2].rpartition(")")
    return _Process(name, int(rest.split()[1]))


@functools.cache
def _own_device() -> Path | None:
    return device(os.getpid(), sys.orig_argv)


def columns() -> int | None:
    """Columns of the terminal that mpirun writes to; 0 if that is none, None if no mpirun has started this process.

    >>> columns() is None or columns() >= 0
    True
    """
    path = _own_device()
    return None if path is None else columns_of(path)


def columns_of(path: Path) -> int:
    """Columns of a terminal by its device; 0 if it is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return 0
    try:
        return (os.get_terminal_size(handle).columns or 80) if os.isatty(handle) else 0
    except OSError:
        return 0
    finally:
        os.close(handle)
