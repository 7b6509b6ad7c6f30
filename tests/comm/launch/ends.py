"""Ways for ranks to end, each a ``main``; ``test_run_ranks.py`` starts them with ``python ends.py NAME BACKEND``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

from ddtrain.comm import Communicator, launcher, raise_on_all, run_ranks
from ddtrain.errors import UsageError

FOREVER_S = 100


def all_return(comm: Communicator) -> None:
    comm.barrier()
    if comm.rank == 0:
        print(f"{comm.spec} of {comm.size}")


def one_returns_late(comm: Communicator) -> None:
    if comm.rank == 1:
        time.sleep(1.5)  # more than run_ranks waits for others after an error
        print("late")


def one_raises(comm: Communicator) -> None:
    if comm.rank == 2:
        raise ValueError("boom")
    comm.barrier()


def one_raises_late(comm: Communicator) -> None:
    """The others have returned by then."""
    if comm.rank == 2:
        time.sleep(0.5)
        raise ValueError("boom")


def one_raises_amid_sums(comm: Communicator) -> None:
    for step in range(10):
        works = [comm.iallreduce(np.zeros(count)) for count in (3, 100_000, 500_000)]
        if comm.rank == 0 and step == 5:
            raise ValueError("boom")
        for work in works:
            work.wait()


def work_is_left(comm: Communicator) -> None:
    """Rank 0 begins what no other rank answers, so a thread that looks after works has one to the end."""
    if comm.rank == 0:
        comm.ishift(np.zeros(1), np.zeros(1))
    comm.barrier()


def all_raise(comm: Communicator) -> None:
    raise ValueError("boom")


def a_thread_raises(comm: Communicator) -> None:
    if comm.rank == 1 or comm.size == 1:
        threading.Thread(target=lambda: all_raise(comm), name="prefetch").start()
    time.sleep(FOREVER_S)


def agreed_usage(comm: Communicator) -> None:
    raise_on_all(
        comm, UsageError("the width is odd", remedy="Give an even one.") if comm.rank == 1 % comm.size else None
    )


def all_usage(comm: Communicator) -> None:
    raise UsageError("the width is odd", remedy="Give an even one.")


def all_exit(comm: Communicator) -> None:
    sys.exit(3)


def one_exits(comm: Communicator) -> None:
    if comm.rank == 1:
        sys.exit(0)
    comm.barrier()


def all_say_why(comm: Communicator) -> None:
    sys.exit("gave up")


def returns_a_code(comm: Communicator) -> int:
    return 75


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


def all_raise_what_cannot_be_shown(comm: Communicator) -> None:
    raise Mute


def a_child_exits(comm: Communicator) -> None:
    """A forked child that leaves by an exception is no rank: it neither speaks as one nor stops the others."""
    for leave in (lambda: sys.exit(5), lambda: 1 / 0, lambda: threading.Thread(target=lambda: 1 / 0).start()):
        if comm.rank == 0:
            child = os.fork()
            if child == 0:
                sys.stderr = open(os.devnull, "w")  # noqa: SIM115
                leave()
                os._exit(6)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(f"child ended with {code}", flush=True)
        comm.barrier()


def interrupted(comm: Communicator) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been ignored when this was started
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(FOREVER_S)


def signal_while_waiting(comm: Communicator) -> None:
    """A handler runs although the rank is inside a collective; rank 1 comes only when it has run."""
    if comm.rank == 0:
        signal.signal(signal.SIGUSR1, lambda number, frame: other.iallreduce(np.zeros(1)))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    other = comm.duplicate()
    if comm.rank == 1:
        other.allreduce(np.zeros(1))
    comm.barrier()


def one_never_asks(comm: Communicator) -> None:
    """Rank 0 goes on only when all others have their sum, though it takes part in it."""
    folder = Path(os.environ["EVERYBODY_ELSE"])
    folder.mkdir(exist_ok=True)
    buf = np.full(500_000, comm.rank + 1.0)
    work = comm.iallreduce(buf)
    if comm.rank == 0:
        while len(list(folder.iterdir())) < comm.size - 1:
            time.sleep(0.01)
    else:
        work.wait()
        (folder / str(comm.rank)).touch()
    work.wait()
    assert set(buf) == {comm.size * (comm.size + 1) / 2}


def on_failure(error: BaseException, rank: int) -> None:
    print(f"told of {type(error).__name__} on rank {rank}", flush=True)


if __name__ == "__main__":
    name, spec = sys.argv[1:]
    if spec.startswith("odd:"):  # another backend on rank 1
        spec = spec.removeprefix("odd:") if launcher().rank == 1 else "auto"
    refusal = None
    if name == "rank_1_ends_early" and launcher().rank == 1:
        raise ModuleNotFoundError("No module named 'mine'")
    if name == "rank_1_cannot_read_its_options" and launcher().rank == 1:
        refusal = RecursionError("so deep")
    sys.exit(run_ranks(spec, globals().get(name, all_return), on_failure, refusal))
