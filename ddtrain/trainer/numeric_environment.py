"""The software and hardware that decide how results are rounded, and so the last bits of a run.

Note [Same bits]
The same ddtrain, the same build of NumPy with its BLAS, the same compiled kernels, the same type of core and the same
shards give the same bits, for every number of ranks, MPI library, interruption and resume. A BLAS chooses its kernels
by the core it finds, and they add in different orders; threads of a BLAS do, too, so a rank has one. Kernels are
compiled for the core, by the compiler that there is.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import DTypeLike

from ddtrain import blas as openblas
from ddtrain.comm import Communicator, run_on_all
from ddtrain.kernels import native


def numeric_environment(dtype: DTypeLike = "float32") -> dict[str, str]:
    """Versions of ddtrain, NumPy and its BLAS, the core and the kernels compiled for it, by name (Note [Same bits]).

    Parameters
    ----------
    dtype : of the kernels

    >>> sorted(numeric_environment())
    ['blas', 'compiled kernels', 'cpu', 'ddtrain', 'kernels', 'numpy']
    """
    return {
        "ddtrain": _ddtrain(),
        "numpy": np.__version__,
        "blas": blas(),
        "cpu": cpu(),
        "kernels": openblas.core(),
        "compiled kernels": native.in_use(dtype),
    }


def required_environment() -> dict[str, str]:
    """What the ranks of one run must have in common; their processors may have different names if they compute alike.

    >>> sorted(required_environment())
    ['BLAS', 'BLAS kernels', 'BLAS threads', 'NumPy', 'Python', 'ddtrain']
    """
    return {
        "ddtrain": _ddtrain(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": blas(),
        "BLAS kernels": openblas.core(),
        "BLAS threads": str(openblas.threads()),
    }


def prepared_kernels(comm: Communicator, dtype: DTypeLike) -> list[str]:
    """Compile and load the kernels of a dtype; returns a line for each thing that is not as it should be. Collective.

    Raises
    ------
    UsageError : on all ranks, if ``$DDTRAIN_KERNELS`` makes no sense on one
    """
    run_on_all(comm, lambda: native.prepare(dtype))
    lost = native.lost() if native.wanted() else ["all families: DDTRAIN_KERNELS=reference"]
    ranks = comm.exchange_objects([native.in_use(dtype), lost])
    notes = []
    for rank, (_, reasons) in enumerate(ranks):
        if reasons:
            where = f"rank {rank}: " if rank else ""
            notes.append(f"NumPy computes instead of compiled kernels, more slowly: {where}{'; '.join(reasons)}")
            break
    used = [digest for digest, _ in ranks]
    if other := next((rank for rank, digest in enumerate(used) if digest != used[0]), 0):
        notes.append(
            f"ranks compute with different kernels (rank 0 {used[0]}, rank {other} {used[other]}): "
            "the last bits depend on the number of ranks"
        )
    return notes


def _ddtrain() -> str:
    try:
        return version("ddtrain")
    except PackageNotFoundError:  # running from a source tree that was never installed
        return "not installed"


def blas() -> str:
    """Name and version of the BLAS that NumPy was built with."""
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']}"


def cpu() -> str:
    """The processor's name."""
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
