"""What the environment says about who started this process. No MPI library is needed to read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

# (number of processes, own rank, processes on this node), as the launcher's documentation names them
VARIABLES = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"),  # Open MPI
    ("PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS"),  # MPICH's Hydra and its relatives
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_LOCAL_SIZE"),  # MVAPICH2
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", ""),  # srun, which has no plain number for the processes on this node
)


@dataclass(frozen=True, slots=True)
class Launcher:
    """How many processes the launcher says it started, which of them this is, and which variable said so.

    ``local_size`` is how many of them run on this machine; 0 if the launcher does not say.

    >>> Launcher(size=4, rank=1, local_size=2, variable="PMI_SIZE").size
    4
    """

    size: int = 1
    rank: int = 0
    local_size: int = 1
    variable: str = ""


def launcher(environ: Mapping[str, str] = os.environ) -> Launcher:
    """What the launcher's environment variables say; one process if there was no launcher.

    >>> launcher({"PMI_SIZE": "4", "PMI_RANK": "2", "MPI_LOCALNRANKS": "4"})
    Launcher(size=4, rank=2, local_size=4, variable='PMI_SIZE')
    >>> launcher({})
    Launcher(size=1, rank=0, local_size=1, variable='')
    """
    for size_name, rank_name, local_name in VARIABLES:
        size = _number(environ, size_name)
        if size:
            return Launcher(size, _number(environ, rank_name), _number(environ, local_name), size_name)
    return Launcher()


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    return int(text) if text.isdecimal() else 0
