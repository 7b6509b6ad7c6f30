"""Check that all ranks hold the same tensors or options, by hash, and name the ranks that do not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ddtrain.comm.differing_ranks import find_odd_ranks
from ddtrain.comm.protocol import Communicator
from ddtrain.errors import DdtrainError, UsageError


def describe(tensors: Mapping[str, Any]) -> dict[str, str]:
    """Shape, dtype and hash of every tensor, as text that can be compared and shown.

    >>> describe({"weight": np.zeros(2)})
    {'weight': '(2,) float64 374708fff771'}
    """
    return {
        name: f"{np.shape(x)} {np.asarray(x).dtype} {hashlib.sha256(np.ascontiguousarray(x).data).hexdigest()[:12]}"
        for name, x in tensors.items()
    }


def verify_replicas(
    mine: Mapping[str, str], comm: Communicator, what: str, error: type[DdtrainError] = UsageError, remedy: str = ""
) -> None:
    """Compare named descriptions over all ranks, and raise on every rank if any differ. Collective.

    Parameters
    ----------
    mine : name -> description, e.g. from :func:`describe`; order counts
    what : what the names are, for the message ("parameter")
    error : the type of error to raise, on every rank

    Raises
    ------
    error : names the first difference, its values, and the ranks that hold the rarer one

    >>> from ddtrain.comm import run_ranks
    >>> def main(comm):
    ...     try:
    ...         verify_replicas({"seed": "1" if comm.rank == 2 else "0"}, comm, "option")
    ...     except UsageError as error:
    ...         if comm.rank == 0:
    ...             print(error)
    >>> run_ranks("threads:3", main)
    ranks disagree: option seed is 1 on rank 2 but seed is 0 on the others
    0
    """
    if comm.size == 1:
        return
    digest = hashlib.sha256(repr(list(mine.items())).encode()).digest()
    everyone = np.zeros((comm.size, len(digest)), np.uint8)
    comm.allgather(np.frombuffer(digest, np.uint8).copy(), everyone)
    if (everyone == everyone[0]).all():
        return
    replicas = [list(map(tuple, items)) for items in comm.exchange_objects([list(item) for item in mine.items()])]
    for position in range(max(map(len, replicas))):
        entries = [items[position] if position < len(items) else ("(nothing)", "") for items in replicas]
        if len(set(entries)) > 1:
            found = find_odd_ranks(entries)
            usual, odd = found.usual, found.odd
            name, value = entries[odd[0]]
            raise error(
                f"ranks disagree: {what} {name} is {value} on rank {', '.join(map(str, odd))} "
                f"but {usual[0]} is {usual[1]} on the others",
                remedy=remedy,
            )
