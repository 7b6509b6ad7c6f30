"""The matrix products of the BLAS that NumPy has loaded, for compiled functions to call.

Their addresses are found by the library that threadpoolctl names. OpenBLAS has its functions under several names, for
indices of 64 and of 32 bits; NumPy's wheels add a prefix.
"""

from __future__ import annotations

import ctypes
import functools
from typing import NamedTuple

from threadpoolctl import ThreadpoolController

_NAMES = {  # how cblas_{}gemm may be called -> whether its integers have 64 bits
    "scipy_cblas_{}gemm64_": 1,
    "cblas_{}gemm64_": 1,
    "cblas_{}gemm_64": 1,
    "scipy_cblas_{}gemm": 0,
    "cblas_{}gemm": 0,
}


class Gemm(NamedTuple):
    """A matrix product: its address, and whether its integers have 64 bits (1) or 32 (0)."""

    address: int
    wide: int


@functools.cache
def gemm(char: str) -> Gemm | None:
    """``cblas_sgemm`` for ``f``, ``cblas_dgemm`` for ``d``; None where no library has one that is known."""
    letter = {"f": "s", "d": "d"}.get(char)
    for found in ThreadpoolController().select(user_api="blas").info():
        library = ctypes.CDLL(found["filepath"])
        for name, wide in _NAMES.items():
            try:
                function = library[name.format(letter)]
            except AttributeError:
                continue
            address = ctypes.cast(function, ctypes.c_void_p).value
            if address is not None:
                return Gemm(address, wide)
    return None
