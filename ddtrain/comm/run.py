"""Run a function on every rank, and end all of them together whatever happens.

Ends are told apart by asking: a rank whose ``main`` is over says how (returned, or which error), and listens for a
moment. If all ranks ended alike, as when the configuration is wrong, one of them speaks and all leave in order with
the same exit code. If a rank is alone, it speaks and the others are stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ddtrain.comm.failure import OnFailure, exit_code, last_resort, outcome_of, report
from ddtrain.comm.launcher import launcher
from ddtrain.comm.meeting import FINISHED
from ddtrain.comm.protocol import Communicator, PeerError
from ddtrain.comm.spec import make
from ddtrain.comm.waitgraph import ranks
from ddtrain.errors import COMPLETED, EXCEPTION, UsageError

Main = Callable[[Communicator], object]

_ERROR_PATIENCE_S = 1.0  # for other ranks to raise the same error; the job must end within 5 s
_EXIT_PATIENCE_S = 3.0  # for other ranks to exit, too: sys.exit() is a choice, and ranks reach it at their own pace
_STRAY = "ended"  # the outcome of a rank that only follows the failure of another


def run_ranks(spec: str, main: Main, on_failure: OnFailure | None = None) -> int:
    """Call ``main(comm)`` on each rank that lives in this process, and return the exit code for ``sys.exit``.

    Parameters
    ----------
    spec : the backend, see :func:`ddtrain.comm.spec.make`
    main : called once a rank; in ``threads:N``, rank 0 runs in the calling thread, so that signals reach it
    on_failure : called with the error and the rank before it is printed, once a distinct error

    Returns
    -------
    0, or the code of the error that ended the run. An error on one rank alone ends the others: under MPI the world is
    aborted and this does not return; threads raise PeerError from their next collective.

    Notes
    -----
    Errors of ddtrain print as one line, all others as a traceback. ``SystemExit`` counts as an end like another:
    alone, it stops the other ranks; a plain return waits for them.

    >>> run_ranks("threads:2", lambda comm: comm.barrier())
    0
    """
    try:
        comms = make(spec)
    except UsageError as error:
        if launcher().rank == 0:
            report(error, 0, "", on_failure)
        return error.exit_code
    codes = [COMPLETED] * len(comms)

    def run(index: int) -> None:
        comm = comms[index]
        try:
            codes[index] = _run_rank(comm, main, on_failure)
        except BaseException as error:  # such as a second Ctrl-C, while this rank waits for the others to end
            report(error, comm.rank, ranks([comm.rank]), on_failure)
            comm.abort(exit_code(error) or EXCEPTION)

    threads = [threading.Thread(target=run, args=(i,), name=f"rank {i}", daemon=True) for i in range(1, len(comms))]
    with last_resort(comms[0].rank, comms[0].abort, on_failure):
        for thread in threads:
            thread.start()
        run(0)
        for thread in threads:
            thread.join()
    return max(codes)


def _run_rank(comm: Communicator, main: Main, on_failure: OnFailure | None) -> int:
    try:
        main(comm)
    except PeerError:
        comm.part(_STRAY, 0.0)
        return COMPLETED  # the other rank's code is the one that counts
    except BaseException as error:
        return _end(comm, error, on_failure)
    outcomes = comm.part(FINISHED, None)
    return max(map(_code, outcomes)) if outcomes else COMPLETED


def _end(comm: Communicator, error: BaseException, on_failure: OnFailure | None) -> int:
    """Speak for all ranks that failed alike, once, and stop those that did not."""
    code, outcome = exit_code(error), outcome_of(error)
    quiet = isinstance(error, SystemExit)
    outcomes = comm.part(outcome, _EXIT_PATIENCE_S if quiet else _ERROR_PATIENCE_S)
    alike = [rank for rank, other in enumerate(outcomes) if other == outcome] if outcomes else [comm.rank]
    everybody = len(alike) == comm.size
    if comm.rank == alike[0] and not (everybody and quiet):
        speaks_for_all = everybody and (code != EXCEPTION or comm.size == 1)
        report(error, comm.rank, "" if speaks_for_all else "all ranks" if everybody else ranks(alike), on_failure)
    if outcomes is None:
        code = code or EXCEPTION  # a rank that exits with 0 while others are at work has not completed anything
        comm.fail(error, code)
        return code
    return max(map(_code, outcomes))


def _code(outcome: str) -> int:
    return COMPLETED if outcome in (FINISHED, _STRAY) else int(outcome.split()[0])
