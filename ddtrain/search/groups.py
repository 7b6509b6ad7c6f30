"""The ranks divided into groups that train trials at the same time, and how a group gets its next trial.

Note [Claims]
Trials take different times, so a group takes the next one when it is free: its first rank claims it by making a file
that must not exist yet, which only one of them can. Who takes which trial decides nothing but the time.

Note [Failed alike]
A trial that fails on all ranks of its group leaves them in step, and the search goes on. An error on one rank alone
leaves the others waiting in the middle of the training, for ever. So a rank that has met an error says so on a
communicator of its own, and if not all others say the same soon, the error is raised, which ends the search.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import numpy as np

from ddtrain.comm import Communicator, run_on_rank_0
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.backends.polling import wait_until
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import io_error

_ALIKE_S = 5.0  # how long other ranks have to meet the same error


class Group:
    """The group that this rank is of.

    Parameters
    ----------
    comm : of all ranks
    ranks : of a group

    Raises
    ------
    UsageError : on all ranks: they cannot be divided like this

    Attributes
    ----------
    comm : of the group
    number, count : of this group, counted from 0, and of all groups

    >>> group = Group(LocalCommunicator(), ranks=1)
    >>> group.number, group.count, group.comm.size
    (0, 1, 1)
    """

    def __init__(self, comm: Communicator, ranks: int) -> None:
        if ranks < 1 or comm.size % ranks:
            parts = ", ".join(str(n) for n in range(1, comm.size + 1) if comm.size % n == 0)
            raise UsageError(
                f"--ranks-per-trial {ranks} does not divide {comm.size} rank{'s' * (comm.size > 1)}",
                remedy=f"Give {parts}." if comm.size > 1 else "Give 1, or start more ranks.",
            )
        self.number, self.count = comm.rank // ranks, comm.size // ranks
        # a rank alone needs no messages, whatever its backend
        self.comm: Communicator = comm.split(self.number) if ranks > 1 else LocalCommunicator()
        self._errors = self.comm.duplicate()

    @contextmanager
    def communicator(self) -> Iterator[Communicator]:
        """A communicator of the group for one trial, released with all that the trial makes of it. Collective.

        Where an error leaves it, ranks may not be in step, and nothing is released.
        """
        comm = self.comm.duplicate()
        yield comm
        comm.close()

    def claimed(self, directory: Path, count: int) -> Iterator[int]:
        """The numbers below ``count`` that this group is to work on (Note [Claims]). Collective within the group.

        Parameters
        ----------
        directory : of the claims, empty before any group begins
        """
        if self.count == 1:
            yield from range(count)
            return
        latest = -1
        while (latest := run_on_rank_0(self.comm, lambda: _claim(directory, latest + 1, count))) < count:
            yield latest

    def failed_alike(self) -> bool:
        """Whether all ranks of the group have met an error, as this one has (Note [Failed alike])."""
        if self.comm.size == 1:
            return True
        until, met = monotonic() + _ALIKE_S, np.ones(1)
        work = self._errors.iallreduce(met)
        wait_until(lambda: work.test() or monotonic() > until, self._errors.progress)
        return work.test()


def _claim(directory: Path, first: int, count: int) -> int:
    """The first number from ``first`` on that nobody has claimed; ``count`` if there is none."""
    for number in range(first, count):
        try:
            (directory / f"{number:04d}").touch(exist_ok=False)
        except FileExistsError:
            continue
        except FileNotFoundError:
            raise UsageError(
                f"{directory}, which rank 0 has made, is not here", remedy="Give a --run.dir that all hosts share."
            ) from None
        except OSError as error:
            raise io_error(error, directory, 0) from error
        return number
    return count
