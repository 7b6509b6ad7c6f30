"""Errors that all ranks raise together, though only some of them met the cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ddtrain.comm.differing_ranks import find_odd_ranks, in_words
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import (
    CheckpointError,
    DataError,
    DdtrainError,
    NonFiniteError,
    ReplicaError,
    ShapeError,
    StoppedError,
    UsageError,
)

T = TypeVar("T")
_KINDS = {
    kind.__name__: kind
    for kind in (UsageError, DataError, CheckpointError, NonFiniteError, ReplicaError, ShapeError, StoppedError)
}


def raise_on_all(comm: Communicator, error: DdtrainError | None) -> None:
    """Raise the error of the lowest failing rank on all ranks, or return on all. Collective.

    What a rank does before a collective (opening a file, reading a configuration) may fail on that rank alone; the
    others would then wait for it forever. This function tells them.

    Parameters
    ----------
    error : this rank's error, or None

    Raises
    ------
    DdtrainError : with the type, message, remedy and place of the lowest failing rank's error; the message says which
        ranks failed, unless all did

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> raise_on_all(LocalCommunicator(), None)
    >>> raise_on_all(LocalCommunicator(), UsageError("batch size 0"))
    Traceback (most recent call last):
    ddtrain.errors.UsageError: batch size 0
    """
    everybody = comm.exchange_objects(_description(error))
    failed = [rank for rank, description in enumerate(everybody) if description]
    if not failed:
        return
    where = "" if len(failed) == comm.size else f" (on {in_words(failed)} of {comm.size})"
    raise _rebuilt(everybody[failed[0]], where) from error


def run_on_all(comm: Communicator, action: Callable[[], T]) -> T:
    """Run ``action`` on every rank and return its result; if it fails on any rank, raise its error on all. Collective.

    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     try:
    ...         print(run_on_all(comm, lambda: int("7" if comm.rank else bad())))
    ...     except UsageError as error:
    ...         if comm.rank == 1:
    ...             print(error)
    >>> def bad():
    ...     raise UsageError("no such file")
    >>> run_ranks("threads:2", main)
    no such file (on rank 0 of 2)
    0
    """
    try:
        result, error = action(), None
    except DdtrainError as caught:
        error = caught
    raise_on_all(comm, error)
    return result


def run_on_rank_0(comm: Communicator, action: Callable[[], Any]) -> Any:
    """Run ``action`` on rank 0 alone; return its result (JSON-able), or raise its error, on all ranks. Collective.

    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     name = run_on_rank_0(comm, lambda: f"decided by rank {comm.rank}")
    ...     if comm.rank == 1:
    ...         print(name)
    >>> run_ranks("threads:2", main)
    decided by rank 0
    0
    """
    told: tuple[Any, Any] = None, None
    if comm.rank == 0:
        try:
            told = action(), None
        except DdtrainError as error:
            told = None, _description(error)
    result, error_of_0 = comm.exchange_objects(told)[0]
    if error_of_0:
        raise _rebuilt(error_of_0)
    return result


def _rebuilt(described: Any, where: str = "") -> DdtrainError:
    kind, message, remedy, place = described
    return _KINDS.get(kind, DdtrainError)(message + where, remedy=remedy, **place)


def check_same(comm: Communicator, what: str, mine: str) -> None:
    """Raise UsageError on all ranks unless all of them have the same text ``mine``. Collective.

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> check_same(LocalCommunicator(), "--comm.backend", "local")
    """
    everybody = comm.exchange_objects(mine)
    found = find_odd_ranks(everybody)
    if found.odd:
        odd = found.odd
        raise UsageError(
            f"ranks disagree: {what} is {everybody[odd[0]]} on {in_words(odd)} but {found.usual} on the others",
            remedy="Give every rank the same options.",
        )


def _description(error: DdtrainError | None) -> tuple[str, str, str, dict[str, int | str]] | None:
    if error is None:
        return None
    place = {key: value if isinstance(value, int) else str(value) for key, value in error.place.items()}
    return type(error).__name__, error.message, error.remedy, place
