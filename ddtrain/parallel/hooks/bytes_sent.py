"""The least number of bytes that a rank must send in a collective, which is what hooks count."""

from __future__ import annotations


def allreduce_bytes(nbytes: int, size: int) -> int:
    """Bytes that each of ``size`` ranks sends so that all get a sum of ``nbytes``: its slice twice to all others.

    >>> allreduce_bytes(1000, 2), allreduce_bytes(1000, 4)
    (1000, 1500)
    """
    return 2 * nbytes * (size - 1) // size


def allgather_bytes(nbytes: int, size: int) -> int:
    """Bytes that each of ``size`` ranks sends so that all get its ``nbytes``."""
    return nbytes * (size - 1)
