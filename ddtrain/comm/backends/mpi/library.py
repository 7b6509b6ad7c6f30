"""Finds and starts the MPI library; importing this module starts MPI, or raises UsageError if there is none.

Note [Starting MPI]
``from mpi4py import MPI`` starts MPI, too, but holds the interpreter's lock for as long as ranks are missing: no thread
runs, and no signal is handled. So the library's own function is called through ctypes, which releases the lock; a
thread watches the other ranks meanwhile (Note [Start] in ``comm/startup/startup_watch.py``). If the program has started
MPI itself, at whatever level of threads, it is left as it is.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import warnings

from ddtrain.comm.startup import startup_watch
from ddtrain.comm.startup.environment import launcher
from ddtrain.errors import UsageError

try:
    import mpi4py

    if "mpi4py.MPI" not in sys.modules:
        mpi4py.rc.initialize = False  # importing mpi4py.MPI must not start MPI: it is started below, under a watch
    with warnings.catch_warnings():
        # mpi4py warns of a launcher from another MPI; make_mpi raises a fuller error
        warnings.simplefilter("ignore", RuntimeWarning)
        from mpi4py import MPI
except (ImportError, RuntimeError) as cause:  # mpi4py is missing, or finds no MPI library to load
    raise UsageError(
        "no MPI library was found" if isinstance(cause, RuntimeError) else f"mpi4py cannot be imported: {cause}",
        remedy="Load the cluster's MPI module, or `python -m pip install mpich`; or give --comm.backend threads:N.",
    ) from cause

__all__ = ["MPI"]


def _start() -> None:
    """Start MPI unless the program has, and end it when the program ends (Note [Starting MPI])."""
    if MPI.Is_finalized():
        raise UsageError(
            "MPI has been finalized, and cannot be started again",
            remedy="Leave out MPI.Finalize(): it is called when the program ends.",
        )
    startup_watch.exit_with_launcher(launcher())
    if MPI.Is_initialized():
        return
    start = getattr(ctypes.CDLL(MPI.__file__), "MPI_Init_thread", None)
    if start is None:  # this build of mpi4py hides MPI's functions: start as mpi4py does, without a watch
        MPI.Init_thread(_level())
    else:
        with startup_watch.watched_startup(launcher()):
            start(None, None, _level(), ctypes.byref(ctypes.c_int()))
    for comm in (MPI.COMM_SELF, MPI.COMM_WORLD):
        # MPI's errors become exceptions, as mpi4py would set it at its own start
        comm.Set_errhandler(MPI.ERRORS_RETURN)
    atexit.register(_finish, os.getpid())


def _level() -> int:
    """The level of threads that mpi4py is told to ask for: multiple unless the program says otherwise."""
    level: int = getattr(MPI, f"THREAD_{mpi4py.rc.thread_level.upper()}") if mpi4py.rc.threads else MPI.THREAD_SINGLE
    return level


def _finish(pid: int) -> None:
    if os.getpid() == pid and not MPI.Is_finalized():  # a forked child must not finalize its parent's MPI
        MPI.Finalize()


_start()
