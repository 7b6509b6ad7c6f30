"""Which way small collectives go: a rank alone needs none."""

from __future__ import annotations

import numpy as np

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.parallel import make_small_collectives


def test_a_rank_alone_has_what_it_brings() -> None:
    comm = LocalCommunicator()
    near, buf, rows = make_small_collectives(comm, comm.split_nodes(), 4), np.arange(3.0), np.empty((1, 3))
    near.allreduce(buf)
    near.allgather(buf, rows)
    near.broadcast(buf)
    near.end_pass()
    assert rows.tolist() == [buf.tolist()] == [[0.0, 1.0, 2.0]]
