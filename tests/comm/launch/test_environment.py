"""What launchers say about the processes that they started."""

from __future__ import annotations

from ddtrain.comm.launch.environment import Launcher, launcher


def test_launchers() -> None:
    assert launcher({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5"}) == Launcher(8, 5, 0, "SLURM_STEP_NUM_TASKS")
    ompi = {"OMPI_COMM_WORLD_SIZE": "8", "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_LOCAL_SIZE": "4"}
    assert launcher(ompi | {"SLURM_STEP_NUM_TASKS": "2"}) == Launcher(8, 5, 4, "OMPI_COMM_WORLD_SIZE")
    assert launcher({"PMI_SIZE": "many"}) == Launcher()
