"""The MPI library's own sums, to measure ours beside: any order of addition, no memory shared on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpi4py import MPI

from ddtrain.comm.protocol import Array


def sums() -> Mapping[str, Callable[[Array], object]]:
    """Ways to replace a vector by its sum over all processes that mpirun started. Collective."""
    comm = MPI.COMM_WORLD.Dup()
    return {
        "mpi": lambda buf: comm.Allreduce(MPI.IN_PLACE, buf),
        "mpi_nonblocking": lambda buf: comm.Iallreduce(MPI.IN_PLACE, buf).Wait(),
    }
