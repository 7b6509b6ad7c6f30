"""Ranks and what they say to each other: one protocol, several backends, one way to start and to end.

Read ``protocol`` first, then ``backends/`` (``local`` and ``threads`` before the others); ``launch/`` is where ranks
begin and end, ``node/`` are ranks that share memory. ``reduction_tree`` is the order of every sum, ``backend_spec``
makes communicators from the text of ``--comm.backend``. ``agreement`` and ``differing_ranks`` are for errors that all
ranks raise, ``buffers`` checks what collectives are given, ``gathered_rows`` puts arrays of different lengths together,
``clock_offsets`` compares the ranks' clocks.
Importing this package does not start MPI; only the ``mpi`` backend does. It loads what it is asked for, as ``import
ddtrain`` looks into the environment alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what __getattr__ below loads on first use
    from ddtrain.comm.agreement import raise_on_all, run_on_all, run_on_rank_0
    from ddtrain.comm.backend_spec import make
    from ddtrain.comm.gathered_rows import gather_rows
    from ddtrain.comm.launch.run_ranks import call_on_ranks, run_ranks
    from ddtrain.comm.protocol import Communicator, PeerError, Work
    from ddtrain.comm.startup.environment import Launcher, launcher

_PLACES = {
    **dict.fromkeys(("raise_on_all", "run_on_all", "run_on_rank_0"), "ddtrain.comm.agreement"),
    **dict.fromkeys(("call_on_ranks", "run_ranks"), "ddtrain.comm.launch.run_ranks"),
    **dict.fromkeys(("Communicator", "PeerError", "Work"), "ddtrain.comm.protocol"),
    **dict.fromkeys(("Launcher", "launcher"), "ddtrain.comm.startup.environment"),
    "gather_rows": "ddtrain.comm.gathered_rows",
    "make": "ddtrain.comm.backend_spec",
}

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


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'ddtrain.comm' has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_PLACES[name]), name)
    return found
