"""The MPI library, found and started; importing this module starts MPI. Where there is none, an error that says so."""

from __future__ import annotations

import warnings

from ddtrain.errors import UsageError

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a launcher of another MPI: make_mpi says it in full
        from mpi4py import MPI
except (ImportError, RuntimeError) as cause:  # no mpi4py, or no MPI library that it can load
    raise UsageError(
        "no MPI library was found" if isinstance(cause, RuntimeError) else f"mpi4py cannot be imported: {cause}",
        remedy="Load the cluster's MPI module, or `python -m pip install mpich`; or give --comm.backend threads:N.",
    ) from cause

__all__ = ["MPI"]
