"""One BLAS thread a rank, whichever was imported first.

Note [BLAS threads]
BLAS starts as many threads as there are cores, in every rank: four ranks on two cores then run 6 to 12 times
slower, and the bits change with the thread count. The variables are read when the library is loaded, so this
module is imported before NumPy; where NumPy came first, training asks the library itself (``blas.py``). A value
set by the user stands.
"""

import os
import sys

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
TOO_LATE = "numpy" in sys.modules and not any(v in os.environ for v in VARIABLES)
"""Whether NumPy was imported first and chose its own number of threads."""

for _variable in VARIABLES:
    os.environ.setdefault(_variable, "1")
