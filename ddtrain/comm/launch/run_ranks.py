"""Run a function on every rank, and end all of them together whatever happens.

A rank whose ``main`` is over tells the others how it ended (returned, or which error), and waits a moment for theirs.
If all ranks ended alike, as with a wrong configuration, one of them prints the error and all leave in order with the
same exit code. If a rank fails alone, it prints its error and the others are stopped.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from ddtrain.comm.agreement import check_same, raise_on_all
from ddtrain.comm.backend_spec import make, resolve, uses_mpi
from ddtrain.comm.differing_ranks import in_words
from ddtrain.comm.launch.failure import OnFailure, exit_code, fatal_hooks, outcome_of, report
from ddtrain.comm.protocol import RETURNED, Communicator, PeerError
from ddtrain.comm.startup import startup_watch
from ddtrain.comm.startup.environment import launcher
from ddtrain.errors import COMPLETED, EXCEPTION, UsageError

Main = Callable[[Communicator], object]

_ERROR_TIMEOUT_S = 1.0  # how long other ranks have to raise the same error; the job must end within 5 s
_EXIT_TIMEOUT_S = 3.0  # how long other ranks have to call sys.exit(), too: longer, as they reach it at their own pace
_END_WAIT_S = 1.0  # how long to wait for other processes to report the same obstacle, such as a missing library
_FOLLOWED = "ended"  # the outcome of a rank that only follows the failure of another


Tell = Callable[[BaseException, int, str, OnFailure | None], None]  # as ``report``


def run_ranks(
    spec: str,
    main: Main,
    on_failure: OnFailure | None = None,
    refusal: BaseException | None = None,
    tell: Tell = report,
) -> int:
    """Call ``main(comm)`` on each rank that lives in this process, and return the exit code for ``sys.exit``.

    Parameters
    ----------
    spec : the backend, see :func:`ddtrain.comm.backend_spec.make`; the same on all ranks, which is checked
    main : called once on each rank; in ``threads:N``, rank 0 runs in the calling thread, so that signals reach it. Its
        result is the rank's exit code; None means 0
    on_failure : called with each distinct error, and the rank, before the error is printed
    refusal : an error that this process has met already; the ranks end as if ``main`` had raised it
    tell : what is done with each distinct error: by default it is printed

    Returns
    -------
    0, or the code of the error that ended the run. An error on one rank alone ends the others: under MPI the world is
    aborted and this does not return; threads raise PeerError from their next collective.

    Notes
    -----
    Errors of ddtrain print as one line, all others as a traceback. ``SystemExit`` is an error with its own exit code;
    without a code, or with 0, it counts as an exception, because a rank that has done its work returns from ``main``.

    >>> run_ranks("threads:2", lambda comm: comm.barrier())
    0
    """
    process = os.getpid()
    resolved, problem = _resolved(spec, refusal)
    if launcher().size > 1 or uses_mpi(resolved):
        try:
            (world,) = make("mpi")  # the ranks check over MPI that they were all given the same backend
        except UsageError as obstacle:
            if _is_spokesman():
                tell(problem or obstacle, launcher().rank, "", on_failure)
            return exit_code(problem or obstacle)
        code = _run_rank(world, lambda comm: _check_backend(comm, problem, resolved), on_failure, process, tell)
        if code != COMPLETED:
            return code
        world.close()
    elif problem is not None:
        tell(problem, 0, "", on_failure)
        return exit_code(problem)
    comms = make(resolved)
    codes = [COMPLETED] * len(comms)

    def run(index: int) -> None:
        comm = comms[index]
        try:
            codes[index] = _run_rank(comm, main, on_failure, process, tell)
        except BaseException as error:  # for example, a second Ctrl-C while this rank waits for the others to end
            if os.getpid() != process:
                raise
            tell(error, comm.rank, in_words([comm.rank]), on_failure)
            comm.abort(exit_code(error))

    threads = [threading.Thread(target=run, args=(i,), name=f"rank {i}", daemon=True) for i in range(1, len(comms))]
    with fatal_hooks(comms[0].rank, comms[0].abort, on_failure):
        for thread in threads:
            thread.start()
        run(0)
        for thread in threads:
            thread.join()
    return max(codes)


def call_on_ranks(spec: str, main: Main, on_failure: OnFailure | None = None) -> None:
    """As :func:`run_ranks`, but an error is raised here, and not printed.

    Under MPI an error of all ranks is raised on each. One rank's alone ends the world as ever: the others could not go
    on.

    Raises
    ------
    BaseException : what ``main`` raised; of several ranks of a process, the first one's

    >>> def main(comm):
    ...     raise ValueError(f"rank {comm.rank}")
    >>> call_on_ranks("threads:2", main)
    Traceback (most recent call last):
    ValueError: rank 0
    """
    errors: dict[int, BaseException] = {}

    def kept(comm: Communicator) -> object:
        try:
            return main(comm)
        except BaseException as error:
            errors[comm.rank] = error
            raise

    def tell(error: BaseException, rank: int, who: str, on_failure: OnFailure | None) -> None:
        if launcher().size > 1 and who not in ("", "all ranks"):
            report(error, rank, who, on_failure)
        elif on_failure is not None:
            on_failure(error, rank)
        errors.setdefault(rank, error)

    run_ranks(spec, kept, on_failure, tell=tell)
    causes = [errors[rank] for rank in sorted(errors) if not isinstance(errors[rank], PeerError)]
    if errors:
        raise (causes or list(errors.values()))[0]


def _resolved(spec: str, refusal: BaseException | None) -> tuple[str, BaseException | None]:
    """The spec in full, and this process's error: the one it had met before, or one in the spec."""
    if refusal is not None:
        return "", refusal
    try:
        resolved = resolve(spec)
        if not uses_mpi(resolved):
            make(resolved)  # raises if a launcher started several processes, which this backend cannot join
    except UsageError as error:
        return "", error
    return resolved, None


def _check_backend(comm: Communicator, problem: BaseException | None, resolved: str) -> None:
    """Raise unless no rank has an error and all have the same backend: two backends cannot talk to each other."""
    if problem is not None and not isinstance(problem, UsageError):
        raise problem
    raise_on_all(comm, problem)
    check_same(comm, "--comm.backend", resolved)


def _is_spokesman() -> bool:
    """Whether this process prints why it cannot start: on rank 0, and where rank 0 goes on without this obstacle."""
    facts = launcher()
    if facts.rank == 0:
        return True
    time.sleep(_END_WAIT_S)
    return 0 in startup_watch.live_ranks(facts)


def _run_rank(comm: Communicator, main: Main, on_failure: OnFailure | None, process: int, tell: Tell) -> int:
    try:
        returned = main(comm)
        code = returned if isinstance(returned, int) else COMPLETED
    except PeerError:
        comm.exchange_outcomes(_FOLLOWED, 0.0)
        return COMPLETED  # the exit code of the rank that failed is the one that counts
    except BaseException as error:
        if os.getpid() != process:  # a child that main has forked is not a rank, and must not report an outcome as one
            raise
        return _end(comm, error, on_failure, tell)
    outcomes = comm.exchange_outcomes(f"{RETURNED} {code}", None)
    return max(map(_code, outcomes)) if outcomes else code


def _end(comm: Communicator, error: BaseException, on_failure: OnFailure | None, tell: Tell) -> int:
    """Print one error for all ranks that failed alike, and stop the ranks that did not fail."""
    code, outcome = exit_code(error), outcome_of(error)
    outcomes = comm.exchange_outcomes(outcome, _EXIT_TIMEOUT_S if isinstance(error, SystemExit) else _ERROR_TIMEOUT_S)
    alike = [rank for rank, other in enumerate(outcomes) if other == outcome] if outcomes else [comm.rank]
    everybody = len(alike) == comm.size
    if comm.rank == alike[0]:
        speaks_for_all = everybody and (code != EXCEPTION or comm.size == 1)
        tell(error, comm.rank, "" if speaks_for_all else "all ranks" if everybody else in_words(alike), on_failure)
    if outcomes is None:
        comm.fail(error, code)
        return code
    return max(map(_code, outcomes))


def _code(outcome: str) -> int:
    kind, *code = outcome.split()
    return COMPLETED if kind == _FOLLOWED else int(code[0]) if kind == RETURNED else int(kind)
