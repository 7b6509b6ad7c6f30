"""What launchers say about the processes that they started."""

from __future__ import annotations

import pytest

from ddtrain.comm.startup.environment import Launcher, launcher


def test_launchers() -> None:
    assert launcher({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5"}) == Launcher(8, 5, 0, "SLURM_STEP_NUM_TASKS")
    ompi = {"OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}
    assert launcher(ompi | {"SLURM_STEP_NUM_TASKS": "2"}) == Launcher(8, 5, 4, "OMPI_COMM_WORLD_SIZE")
    assert launcher({"PMI_SIZE": "many"}) == Launcher()


def test_the_first_launcher_that_speaks_is_believed() -> None:
    """Open MPI's mpirun inside of a Slurm step: the processes are mpirun's."""
    environ = {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "PMI_SIZE": "9", "PMI_RANK": "8"}
    assert launcher(environ) == Launcher(2, 1, 0, "OMPI_COMM_WORLD_SIZE")


@pytest.mark.parametrize("text", ["", "0", "-3", "4.0", " 4", "four"])
def test_a_size_that_is_no_number_of_processes_is_no_launcher(text: str) -> None:
    assert launcher({"PMI_SIZE": text, "PMI_RANK": "1"}) == Launcher()


def test_a_rank_that_is_not_said_is_the_first() -> None:
    assert launcher({"MV2_COMM_WORLD_SIZE": "4"}) == Launcher(4, 0, 0, "MV2_COMM_WORLD_SIZE")
