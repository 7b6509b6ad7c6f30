"""One BLAS thread a rank, whichever was imported first.

Note [BLAS threads]
BLAS starts as many threads as there are cores, in every rank: four ranks on two cores then run 6 to 12 times
slower, and the bits change with the thread count. The variables are read when the library is loaded, so this
module is imported before NumPy; where NumPy came first, training asks the library itself. A value set by the user
stands.
"""

import ctypes
import os
import sys

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TOO_LATE = "numpy" in sys.modules and not any(v in os.environ for v in VARIABLES)
"""Whether NumPy was imported first and chose its own number of threads."""

for _variable in VARIABLES:
    os.environ.setdefault(_variable, "1")

_LIBRARIES = ("openblas", "mkl_rt", "libblis")  # what their files are called
_SETTERS = (  # by NumPy's own OpenBLAS, with integers of 64 and 32 bits; other OpenBLAS; MKL; BLIS
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads_64_",
    "openblas_set_num_threads",
    "MKL_Set_Num_Threads",
    "bli_thread_set_num_threads",
)


def limit_blas() -> bool:
    """Give every BLAS in this process one thread, as if it had been loaded later; whether there was one that could."""
    found = False
    for path in _loaded():
        library = ctypes.CDLL(path)  # a handle on the one that is there
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter.argtypes, setter.restype = [ctypes.c_long if name.startswith("bli") else ctypes.c_int], None
                setter(1)
                found = True
                break
    return found


def _loaded() -> list[str]:
    """The files of BLAS libraries that this process has loaded."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            paths = {line.split(maxsplit=5)[-1].strip() for line in maps if "/" in line}
    except OSError:
        return []
    return sorted(path for path in paths if any(name in os.path.basename(path) for name in _LIBRARIES))
