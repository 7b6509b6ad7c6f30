"""What OpenBLAS does in this process: its kernels and its threads, asked of the library that NumPy has loaded.

Where NumPy computes with another BLAS, or the system does not list what is loaded, nothing is known.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

_PREFIXES, _SUFFIXES = ("scipy_", ""), ("64_", "")  # of names in the builds that NumPy's and SciPy's wheels carry


def core() -> str:
    """The type of core that OpenBLAS has chosen its kernels for, as its OPENBLAS_CORETYPE; empty where not known."""
    for ask in _functions("get_corename"):
        ask.restype = ctypes.c_char_p
        return str(ask().decode())
    return ""


def threads() -> int:
    """How many threads OpenBLAS computes with; 0 where not known."""
    return next((int(ask()) for ask in _functions("get_num_threads")), 0)


def limit(count: int) -> bool:
    """Have every OpenBLAS that is loaded compute with so many threads; whether there is one."""
    tell = list(_functions("set_num_threads"))
    for each in tell:
        each(count)
    return bool(tell)


def _functions(name: str) -> Iterator[Any]:
    """A function of each OpenBLAS that is loaded, in the order of their files' names: NumPy's before SciPy's."""
    for path in sorted(_loaded()):
        library = ctypes.CDLL(path)
        names = [f"{prefix}openblas_{name}{suffix}" for prefix in _PREFIXES for suffix in _SUFFIXES]
        found = next((getattr(library, each) for each in names if hasattr(library, each)), None)
        if found is not None:
            yield found


def _loaded() -> set[str]:
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            paths = {line.split(maxsplit=5)[-1].rstrip("\n") for line in maps if "openblas" in line}
    except OSError:  # not Linux
        return set()
    return {path for path in paths if "openblas" in path.rpartition("/")[2]}
