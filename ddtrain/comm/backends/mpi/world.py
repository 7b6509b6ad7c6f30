"""The world of MPI processes that this process is a rank of. Importing this module starts MPI."""

from __future__ import annotations

import functools

from ddtrain.comm.backends.mpi.communicator import MpiCommunicator
from ddtrain.comm.backends.mpi.library import MPI
from ddtrain.comm.backends.mpi.pending_works import PendingWorks
from ddtrain.comm.startup.environment import launcher
from ddtrain.errors import UsageError

_OWN_MPIRUN = "Start with that MPI's own mpirun: of the mpich package, or of the module that is loaded."
_SRUN = " srun itself needs --mpi=pmi2 for MPICH, --mpi=pmix for Open MPI; see launch/slurm.sbatch."


def make_mpi() -> MpiCommunicator:
    """This process's rank in the world.

    Raises
    ------
    UsageError : the launcher started several processes, but each of them is a world of its own.
    """
    facts, world = launcher(), MPI.COMM_WORLD
    if facts.size > 1 and world.size == 1:
        library = MPI.Get_library_version().split("\n")[0].strip("\0 ")
        raise UsageError(
            f"the launcher started {facts.size} processes ({facts.variable}={facts.size}), but the MPI world of each"
            f" has size 1: the launcher is not of the MPI that mpi4py loads ({library})",
            remedy=_OWN_MPIRUN + (_SRUN if facts.variable.startswith("SLURM") else ""),
        )
    return MpiCommunicator(world.Dup(), *_shared())


@functools.cache
def _shared() -> tuple[MPI.Intracomm, PendingWorks]:
    """What all communicators of this process share: the one over which ranks say how they end, and pending works."""
    exit_comm = MPI.COMM_WORLD.Dup()
    pending = PendingWorks(exit_comm.Iprobe, _many_hosts(MPI.COMM_WORLD))
    stop_when_mpi_ends(pending)
    return exit_comm, pending


def stop_when_mpi_ends(pending: PendingWorks) -> None:
    """Have the thread stopped when MPI is finalized: MPI then begins by deleting the attributes of COMM_SELF."""
    keyval = MPI.Comm.Create_keyval(delete_fn=lambda comm, key, works: works.stop())
    MPI.COMM_SELF.Set_attr(keyval, pending)


def _many_hosts(world: MPI.Intracomm) -> bool:
    """Whether some ranks share no memory with others, and MPI allows a thread to drive their messages."""
    here = world.Split_type(MPI.COMM_TYPE_SHARED)
    size = here.size
    here.Free()
    return size < world.size and MPI.Query_thread() == MPI.THREAD_MULTIPLE
