"""Ranks and what they say to each other: one protocol, several backends, one way to run and to end.

Read ``protocol.py`` first, then ``local.py`` and ``threads.py``; ``run.py`` is where ranks begin and end. Importing
this package does not start MPI; only the ``mpi`` backend does.
"""

from ddtrain.comm.agreement import agree, by_rank_0, together
from ddtrain.comm.launch.environment import Launcher, launcher
from ddtrain.comm.launch.run_ranks import run_ranks
from ddtrain.comm.protocol import Communicator, PeerError, Work
from ddtrain.comm.spec import make

__all__ = [
    "Communicator", "Launcher", "PeerError", "Work", "agree", "by_rank_0", "launcher", "make", "run_ranks", "together",
]  # fmt: skip
