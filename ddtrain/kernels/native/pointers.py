"""The address of an array's data, which every call of a compiled function asks for.

Note [Address of an array]
``array.ctypes.data`` makes an object and ``__array_interface__`` a dictionary: 3 µs each, more than a small kernel
takes. NumPy's C interface reads the address from the array object itself, right behind the head that every Python
object has (``PyArray_DATA``, which compiled extensions have in them, so its place is fixed). So does this, in 0.3 µs,
where it finds the address there when it is imported; elsewhere it asks the array.
"""

from __future__ import annotations

import ctypes
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
