"""The MPI library's own sums, to compare ours with: they add in any order, and share no memory deliberately."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpi4py import MPI

from ddtrain.comm.protocol import Array


def sums() -> Mapping[str, Callable[[Array], object]]:
    """Functions by name that replace a vector by its sum over all processes that mpirun started. Collective."""
    comm = MPI.COMM_WORLD.Dup()
    return {
        "mpi": lambda buf: comm.Allreduce(MPI.IN_PLACE, buf),
        "mpi_nonblocking": lambda buf: comm.Iallreduce(MPI.IN_PLACE, buf).Wait(),
    }
