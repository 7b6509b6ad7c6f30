"""The address of an array's data, which every call of a compiled function asks for; and memory without its contents.

Note [Address of an array]
``array.ctypes.data`` makes an object and ``__array_interface__`` a dictionary: 3 µs each, more than a small kernel
takes. NumPy's C interface reads the address from the array object itself, right behind the head that every Python
object has (``PyArray_DATA``, which compiled extensions have in them, so its place is fixed). So does this, in 0.3 µs,
where it finds the address there when it is imported; elsewhere it asks the array.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

_HEAD = object.__basicsize__
_at = ctypes.c_void_p.from_address


def _behind_the_head(array: Any) -> int | None:
    return _at(id(array) + _HEAD).value


def _asked(array: Any) -> int | None:
    address: int = array.ctypes.data
    return address


_probes = [np.zeros(3), np.zeros(8, np.float32)[2:]]
address = _behind_the_head if all(_behind_the_head(a) == _asked(a) for a in _probes) else _asked
"""``address(array)``: where its first entry lies."""

_PAGE = mmap.PAGESIZE
_madvise = getattr(ctypes.CDLL(None, use_errno=True), "madvise", None)
if _madvise is not None:
    _madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def forget_entries(array: Any) -> None:
    """Give the memory of an array back to the system, where it can be had; its address stays, and may be written again.

    For an array that is one block and nobody else's, and whose entries nobody asks for any more: they are anything now.

    >>> array = np.ones(1 << 20)
    >>> before = address(array)
    >>> forget_entries(array)
    >>> array.fill(2.0)
    >>> address(array) == before, float(array.sum()) == 2 * array.size
    (True, True)
    """
    start = -(-(address(array) or 0) // _PAGE) * _PAGE
    whole = ((address(array) or 0) + array.nbytes) // _PAGE * _PAGE - start
    if whole > 0 and _madvise is not None and hasattr(mmap, "MADV_DONTNEED"):
        _madvise(start, whole, mmap.MADV_DONTNEED)
