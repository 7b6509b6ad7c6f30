"""Ranks and what they say to each other: one protocol, several backends, one way to start and to end.

Read ``protocol`` first, then ``backends/`` (``local`` and ``threads`` before the others); ``launch/`` is where ranks
begin and end, ``node/`` are ranks that share memory. ``reduction_tree`` is the order of every sum, ``backend_spec``
makes communicators from the text of ``--comm.backend``. ``agreement`` and ``differing_ranks`` are for errors that all
ranks raise, ``buffers`` checks what collectives are given, ``gathered_rows`` puts arrays of different lengths together,
``clock_offsets`` compares the ranks' clocks.
Importing this package does not start MPI; only the ``mpi`` backend does.
"""

from ddtrain.comm.agreement import raise_on_all, run_on_all, run_on_rank_0
from ddtrain.comm.backend_spec import make
from ddtrain.comm.gathered_rows import gather_rows
from ddtrain.comm.launch.run_ranks import call_on_ranks, run_ranks
from ddtrain.comm.protocol import Communicator, PeerError, Work
from ddtrain.comm.startup.environment import Launcher, launcher

__all__ = [
    "Communicator",
    "Launcher",
    "PeerError",
    "Work",
    "gather_rows",
    "launcher",
    "make",
    "raise_on_all",
    "run_on_all",
    "run_on_rank_0",
    "call_on_ranks",
    "run_ranks",
]
