"""What BLAS does in this process: its kernels and its threads, asked of the libraries that are loaded.

threadpoolctl knows OpenBLAS, MKL, BLIS and their kin. Of any other nothing is known.
"""

from __future__ import annotations

from typing import Any

from threadpoolctl import ThreadpoolController


def core() -> str:
    """The type of core that BLAS has chosen its kernels for, as its OPENBLAS_CORETYPE; empty where not known."""
    return str(next((library["architecture"] for library in _loaded().info() if "architecture" in library), ""))


def threads() -> int:
    """How many threads BLAS computes with; 0 where not known."""
    return int(next((library["num_threads"] for library in _loaded().info()), 0))


def limit(count: int) -> bool:
    """Have every BLAS that is loaded compute with so many threads; whether there is one."""
    libraries = _loaded()
    libraries.limit(limits=count)
    return len(libraries) > 0


def _loaded() -> Any:
    return ThreadpoolController().select(user_api="blas")
