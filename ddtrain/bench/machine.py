"""Where figures were measured: a time without its machine means nothing."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import numpy as np

import ddtrain
from ddtrain.blas_threads import VARIABLES
from ddtrain.trainer.numeric_environment import blas, cpu


def facts(*packages: str) -> dict[str, Any]:
    """Processor, cores, BLAS and its threads, versions of Python, NumPy, ddtrain and ``packages``.

    >>> sorted(facts())
    ['blas', 'blas_threads', 'cores', 'cpu', 'system', 'versions']
    """
    return {
        "cpu": cpu(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": blas(),
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
