"""What is made of a communicator is released with it: MPI has some two thousand communicators in all."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from ddtrain.comm import Communicator
from ddtrain.comm.backends.mpi.communicator import MpiCommunicator
from ddtrain.comm.backends.mpi.library import MPI


@pytest.mark.mpi(min_size=2)
def test_all_that_a_run_makes_is_released_with_its_communicator(comm: Communicator) -> None:
    run = cast(MpiCommunicator, comm.split(0))
    one, other = run.duplicate(), run.duplicate()
    node: Any = one.split_nodes(bytes_per_rank=64)
    node.alloc(8, np.float64)[node.rank][...] = comm.rank
    group = other.split(comm.rank % 2)
    nested = group.duplicate()
    run.close()
    released = [each._comm for each in (run, one, other, group, nested)] + [node._local, node.column._comm]
    assert all(handle == MPI.COMM_NULL for handle in released)
    run.close()
    assert comm.exchange_objects(comm.rank) == list(range(comm.size))
