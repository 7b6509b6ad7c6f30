"""Where figures were measured: a time without its machine means nothing."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import numpy as np

import ddtrain
from ddtrain._threads import VARIABLES


def facts(*packages: str) -> dict[str, Any]:
    """Processor, cores, BLAS and its threads, versions of Python, NumPy, ddtrain and ``packages``.

    >>> sorted(facts())
    ['blas', 'blas_threads', 'cores', 'cpu', 'system', 'versions']
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "cpu": _cpu(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": f"{blas['name']} {blas['version']}",
        "blas_threads": {name: os.environ.get(name, "") for name in VARIABLES},
        "versions": {
            "python": platform.python_version(),
            "ddtrain": ddtrain.__version__,
            "numpy": np.__version__,
            **{name: metadata.version(name) for name in packages},
        },
    }


def cores() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0))


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
