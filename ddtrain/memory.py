"""How much memory this machine has, and how much of it is free."""

from __future__ import annotations

import os
from pathlib import Path


def memory_of_machine() -> int:
    """Bytes of memory that this machine has.

    >>> memory_of_machine() > 2**20
    True
    """
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def available_memory() -> int | None:
    """Bytes that programs may still take, on this machine and in this process's control group; None if not known.

    >>> available = available_memory()
    >>> available is None or 0 <= available <= memory_of_machine()
    True
    """
    found = [int(line.split()[1]) << 10 for line in _lines("/proc/meminfo") if line.startswith("MemAvailable:")]
    limit, used = ("".join(_lines(f"/sys/fs/cgroup/memory.{name}")) for name in ("max", "current"))
    if limit.strip().isdecimal() and used.strip().isdecimal():
        found.append(max(0, int(limit) - int(used)))
    return min(found, default=None)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
