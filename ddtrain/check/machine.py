"""What ``ddtrain doctor`` looks at: versions, cores, memory, MPI, and what is optional, each with what to do about it.

Each function asks the system itself and changes nothing; MPI is tried in processes of its own.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from ddtrain import blas
from ddtrain.check.findings import Finding
from ddtrain.comm import launcher
from ddtrain.comm.startup.environment import Launcher
from ddtrain.diagnose.layer_table import in_bytes
from ddtrain.kernels import native
from ddtrain.kernels.native import cache, compiler
from ddtrain.memory import available_memory
from ddtrain.trainer.numeric_environment import numeric_environment

_LIBRARY = "from mpi4py import MPI; print(MPI.Get_library_version().splitlines()[0].strip(chr(0) + ' '))"
_WORLD = "from mpi4py import MPI; w = MPI.COMM_WORLD; n = w.allreduce(1); w.rank or print('ranks', n)"
_LIMIT_S = 30.0  # for a process that tries MPI
_SHARED = Path("/dev/shm")  # where MPI libraries on Linux keep the memory that ranks share
_LITTLE = 256 << 20  # bytes there that are few: Docker gives 64 MB
_FOR_DEVELOPERS = ("dev", "lint", "test")  # extras that users need not have
_COMPILE = (
    "Install gcc or clang, or `python -m pip install 'ddtrain[compiler]'`; DDTRAIN_CC names another compiler, "
    "DDTRAIN_CACHE another directory."
)
_INSTALL_MPI = "Load the cluster's MPI module, or `python -m pip install 'ddtrain[mpi]'`."


def examine() -> Iterator[Finding]:
    """All findings, each as soon as it is made."""
    here = numeric_environment()
    system = f"{platform.python_version()} in {sys.prefix}, {platform.system()} {platform.release()}"
    yield Finding("python", True, system)
    yield Finding("ddtrain", True, here["ddtrain"])
    yield Finding("numpy", True, f"{here['numpy']} with {here['blas']}, kernels for {here['kernels'] or 'unknown'}")
    yield Finding("processor", True, here["cpu"])
    cores = sorted(os.sched_getaffinity(0))
    yield processors(cores, os.cpu_count() or len(cores), _quota())
    yield blas_threads(blas.threads(), launcher(), len(cores))
    available = available_memory()
    yield Finding("memory", True, "not known" if available is None else f"{in_bytes(available)} available")
    yield shared_memory(shutil.disk_usage(_SHARED).free if _SHARED.is_dir() else None)
    yield Finding("disk", True, f"{in_bytes(shutil.disk_usage('.').free)} free in {Path.cwd()}")
    yield from mpi()
    yield compiled_kernels()
    yield from extras(requires("ddtrain") or [] if here["ddtrain"] != "not installed" else [])


def compiled_kernels() -> Finding:
    """Which compiler there is, where its libraries are kept, and which kernels are in use: compiled ones, if they can.

    Kernels of float32 that are not yet in the cache are compiled.
    """
    if not native.wanted():
        return Finding("kernels", True, "NumPy's, as DDTRAIN_KERNELS=reference asks for")
    native.prepare("float32")
    try:
        where = f"{compiler.describe((*compiler.command(),))}; libraries in {cache.directory()}"
    except (compiler.CompilerError, cache.CacheError) as error:
        return Finding("kernels", False, f"NumPy's, which are slower: {error}", _COMPILE)
    if lost := native.lost():
        return Finding("kernels", False, f"NumPy's for {'; '.join(lost)}; by {where}", _COMPILE)
    return Finding("kernels", True, f"compiled ones, {native.in_use('float32')}, by {where}")


def processors(cores: Sequence[int], all_cores: int, quota: float | None) -> Finding:
    """The cores that this process may use.

    Parameters
    ----------
    cores : by number, as the process is bound to them
    all_cores : how many the machine has
    quota : cores' worth of time that a container gets; None: all

    >>> print(processors([0], 8, None))
    ok     cores        1 of 8: bound to 0
    >>> print(processors([0, 1], 2, 0.5))
    WRONG  cores        2, but a quota of 0.5 of their time: Give the container more, or start 1 rank.
    """
    bound = f" of {all_cores}: bound to {', '.join(map(str, cores))}" if len(cores) < all_cores else ""
    text = f"{len(cores)}{bound}"
    if quota is not None and quota < len(cores):
        few = max(1, int(quota))
        return Finding(
            "cores",
            False,
            f"{text}, but a quota of {quota:g} of their time",
            f"Give the container more, or start {few} rank{'s' * (few > 1)}.",
        )
    return Finding("cores", True, text)


def blas_threads(threads: int, facts: Launcher, cores: int) -> Finding:
    """Whether the ranks of this machine have more BLAS threads than there are cores.

    >>> print(blas_threads(4, Launcher(size=2, local_size=2, variable="PMI_SIZE"), 4))
    WRONG  threads      2 ranks of 4 BLAS threads on 4 cores: Set OPENBLAS_NUM_THREADS=1, and start a rank a core.
    """
    ranks = max(1, facts.local_size)
    text = f"{ranks} rank{'s' * (ranks > 1)} of {threads or 'an unknown number of'} BLAS threads on {cores} cores"
    if ranks * threads <= cores or (ranks == 1 and threads == 1):
        return Finding("threads", True, text)
    remedy = "Set OPENBLAS_NUM_THREADS=1, and start a rank a core." if threads > 1 else "Start fewer ranks."
    return Finding("threads", False, text, remedy)


def shared_memory(free: int | None) -> Finding:
    """Whether ranks of this machine have room to share memory; ``free`` bytes, None where there is no such place.

    >>> print(shared_memory(64 << 20))
    WRONG  shared       67.1 MB free in /dev/shm, where ranks share parameters and gradients: Make room; ...
    """
    if free is None:
        return Finding("shared", True, f"no {_SHARED}: the MPI library shares memory in its own way")
    text = f"{in_bytes(free)} free in {_SHARED}, where ranks share parameters and gradients"
    return Finding("shared", free >= _LITTLE, text, "" if free >= _LITTLE else _MAKE_ROOM)


_MAKE_ROOM = "Make room; in Docker by --shm-size=2g."


def mpi(environ: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Whether the MPI library loads, and whether two ranks that ``mpirun`` starts find each other."""
    try:
        bindings = f"mpi4py {version('mpi4py')}"
    except PackageNotFoundError:
        yield Finding("mpi", False, "mpi4py is not installed", "`python -m pip install mpi4py`")
        return
    alone = {key: value for key, value in environ.items() if not key.startswith(("PMI", "OMPI_", "MPI_", "HYDI_"))}
    code, said = _tried([sys.executable, "-c", _LIBRARY], alone)
    if code:
        yield Finding("mpi", False, f"{bindings} finds no MPI library ({said})", _INSTALL_MPI)
        return
    yield Finding("mpi", True, f"{bindings} with {said}")
    yield _mpirun(alone)


def _mpirun(environ: Mapping[str, str]) -> Finding:
    here = Path(sys.executable).parent / "mpirun"
    found = shutil.which("mpirun") or (str(here) if here.exists() else None)
    if launcher().variable:
        return Finding("mpirun", True, "not tried: this process was started by one")
    if found is None:
        remedy = "A batch system's own launcher, such as srun, will do. " + _INSTALL_MPI
        return Finding("mpirun", False, "there is none in PATH", remedy)
    code, said = _tried([found, "-n", "2", sys.executable, "-c", _WORLD], environ)
    if code == 0 and said == "ranks 2":
        return Finding("mpirun", True, f"{found} starts two ranks that find each other")
    if said == "ranks 1":
        text = f"{found} starts two ranks, each alone: it is not of the MPI library that mpi4py loads"
        return Finding("mpirun", False, text, "Start with that library's own mpirun.")
    return Finding("mpirun", False, f"{found} -n 2 fails: {said}", "Try it with a program of its own: mpirun -n 2 date")


def _tried(command: Sequence[str], environ: Mapping[str, str]) -> tuple[int, str]:
    """A command's exit code and the first line that it prints."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, env=environ, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "no answer" if isinstance(error, subprocess.TimeoutExpired) else str(error.strerror)
    lines = (ended.stdout if ended.returncode == 0 else ended.stderr or ended.stdout).strip().splitlines()
    line = lines[0 if ended.returncode == 0 else -1] if lines else "it prints nothing"
    return ended.returncode, " ".join(line.split())[:200]


def extras(requirements: Sequence[str]) -> Iterator[Finding]:
    """Optional parts of the package: those that are there, and how to install the others.

    >>> for finding in extras(["numpy>=2", "matplotlib-of-none>=3; extra == 'plots'"]):
    ...     print(finding)
    ok     plots        not installed (matplotlib-of-none): `python -m pip install 'ddtrain[plots]'`
    """
    wanted: dict[str, list[str]] = {}
    for requirement in requirements:
        match = re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", requirement)
        if match and match[2] not in _FOR_DEVELOPERS:
            wanted.setdefault(match[2], []).append(match[1])
    for extra, names in wanted.items():
        missing = [name for name in names if _version(name) is None]
        there = ", ".join(f"{name} {_version(name)}" for name in names if name not in missing)
        install = f"`python -m pip install 'ddtrain[{extra}]'`"
        if missing:
            yield Finding(extra, True, f"not installed ({', '.join(missing)})", install)
        else:
            yield Finding(extra, True, there)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _quota() -> float | None:
    """The cores' worth of time that this process's control group may use; None: no limit, or not known."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) / int(period)
