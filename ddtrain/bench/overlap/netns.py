"""Two hosts on one machine: network namespaces joined by a link that is shaped to a bandwidth.

MPI ranks in them talk through the kernel's TCP, as between machines, and share no memory. Needs root, iproute2's ``ip``
and ``tc``, and MPICH's mpirun; nothing outside the namespaces changes, and they are gone afterwards.
"""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ddtrain.bench.mpirun import mpirun
from ddtrain.errors import UsageError

HOSTS = ("10.77.0.1", "10.77.0.2")  # visible only inside the namespaces, so that two runs do not collide
_LINK = "link0"
_CARRIER_S = 10.0
_PAIRS = itertools.count()
# What mpirun calls in ssh's place, with options, the host and the words of a command.
_SHELL = """#!/bin/sh
while case "$1" in -*) ;; *) false ;; esac; do shift; done
host=${{1##*.}}
shift
exec ip netns exec {prefix}-$host unshare --uts sh -c "hostname {prefix}-$host; $*"
"""


@dataclass(frozen=True)
class TwoHosts:
    """Where ranks can be started, one on each host."""

    prefix: str
    shell: str
    environ: Mapping[str, str] = field(default_factory=lambda: {"UCX_TLS": "tcp,self", "FI_PROVIDER": "tcp"})
    """For the ranks: without it MPICH finds the memory that namespaces do share."""

    def command(self, program: Sequence[str]) -> list[str]:
        """The command that runs a program on both hosts, as ranks 0 and 1."""
        start = ["ip", "netns", "exec", f"{self.prefix}-1", mpirun(), "-launcher", "ssh", "-launcher-exec", self.shell]
        return [*start, "-hosts", ",".join(HOSTS), "-ppn", "1", "-n", "2", *program]


@contextmanager
def two_hosts(gbit_s: float = 1.0) -> Iterator[TwoHosts]:
    """Make the namespaces and the link; end what still runs in them and remove them on leaving.

    Raises
    ------
    UsageError : the system does not allow it, or a tool is missing, with the reason.
    """
    _need_tools()
    prefix = f"ddtrain-{os.getpid()}-{next(_PAIRS)}"
    names = [f"{prefix}-{i}" for i in (1, 2)]
    with tempfile.TemporaryDirectory(prefix="ddtrain-netns-") as folder:
        shell = Path(folder, "shell")
        shell.write_text(_SHELL.format(prefix=prefix))
        shell.chmod(0o755)
        try:
            for name in names:
                _run("ip", "netns", "add", name)
            _run(
                "ip", "link", "add", _LINK, "netns", names[0], "type", "veth", "peer", "name", _LINK, "netns", names[1]
            )
            for name, host in zip(names, HOSTS, strict=True):
                _run("ip", "-n", name, "address", "add", f"{host}/24", "dev", _LINK)
                _run("ip", "-n", name, "link", "set", _LINK, "up")
                _run("ip", "-n", name, "link", "set", "lo", "up")
                shape = ["rate", f"{gbit_s:g}gbit", "burst", "256kb", "latency", "50ms"]
                _run("tc", "-n", name, "qdisc", "add", "dev", _LINK, "root", "tbf", *shape)
            for name in names:
                _await_carrier(name)
            yield TwoHosts(prefix, str(shell))
        finally:
            for name in names:
                _remove(name)


def _need_tools() -> None:
    missing = [tool for tool in ("ip", "tc", "unshare", "hostname") if not shutil.which(tool)]
    if missing:
        raise UsageError(f"network namespaces need {', '.join(missing)}", remedy="Install iproute2, e.g. with apt.")
    if os.geteuid() != 0:
        raise UsageError("network namespaces need root", remedy="Run as root, or emulate the link with wire:mpi.")
    about = subprocess.run([mpirun(), "--version"], capture_output=True, text=True, check=False).stdout
    if "HYDRA" not in about:
        raise UsageError(
            "ranks in network namespaces need MPICH's mpirun, which this is not",
            remedy="`python -m pip install mpich` into an environment of its own.",
        )


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
        raise UsageError(
            f"this system allows no shaped link between network namespaces: {shlex.join(command)}: {reason}",
            remedy="Emulate the link with wire:mpi.",
        )
    return done.stdout


def _await_carrier(name: str) -> None:
    """Return when a link says that it is up, which the kernel may notice a second after it is."""
    until = time.monotonic() + _CARRIER_S
    while "state UP" not in _run("ip", "-n", name, "link", "show", _LINK):
        if time.monotonic() > until:
            raise UsageError(f"the link between network namespaces is not up after {_CARRIER_S:g} s")
        time.sleep(0.02)


def _remove(name: str) -> None:
    """End what runs in a namespace, and delete it if it was made."""
    try:
        for pid in _run("ip", "netns", "pids", name).split():
            os.kill(int(pid), signal.SIGKILL)
        _run("ip", "netns", "delete", name)
    except (UsageError, ProcessLookupError):
        pass
