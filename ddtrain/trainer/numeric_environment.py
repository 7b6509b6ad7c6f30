"""The software and hardware that decide how results are rounded, and so the last bits of a run.

Note [Same bits]
The same ddtrain, the same build of NumPy with its BLAS, the same type of core and the same shards give the same bits,
for every number of ranks, MPI library, interruption and resume. A BLAS chooses its kernels by the core it finds, and
they add in different orders; threads of a BLAS do, too, so a rank has one.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from ddtrain import blas as openblas


def numeric_environment() -> dict[str, str]:
    """Versions of ddtrain, NumPy and its BLAS, and the core, by name (Note [Same bits]).

    >>> sorted(numeric_environment())
    ['blas', 'cpu', 'ddtrain', 'kernels', 'numpy']
    """
    try:
        ours = version("ddtrain")
    except PackageNotFoundError:  # running from a source tree that was never installed
        ours = "not installed"
    return {"ddtrain": ours, "numpy": np.__version__, "blas": blas(), "cpu": cpu(), "kernels": openblas.core()}


def required_environment() -> dict[str, str]:
    """What the ranks of one run must have in common; their processors may have different names if they compute alike.

    >>> sorted(required_environment())
    ['BLAS', 'BLAS kernels', 'BLAS threads', 'NumPy', 'Python', 'ddtrain']
    """
    here = numeric_environment()
    return {
        "ddtrain": here["ddtrain"],
        "Python": platform.python_version(),
        "NumPy": here["numpy"],
        "BLAS": here["blas"],
        "BLAS kernels": here["kernels"],
        "BLAS threads": str(openblas.threads()),
    }


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
