"""Other trainers in the same race: what they must offer, and where they are found. None is a dependency.

To add a peer, write ``bench/peers/<name>.py`` with ``open_peer(comm, workload)``, and give it a line in ``PEERS``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import cast

from ddtrain.bench.timing import Contestant
from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.suggestions import did_you_mean

OpenPeer = Callable[[Communicator, Workload], AbstractContextManager[Contestant]]
"""Makes a contestant that takes whole steps of a workload on all ranks of the communicator; its figure is its name."""

PEERS = {"torch": "ddtrain.bench.peers.pytorch"}  # package that must be installed -> module that runs the peer


def choose(names: str, comm: Communicator) -> dict[str, OpenPeer]:
    """The peers named, separated by commas.

    Raises
    ------
    UsageError : no such peer, or it is not installed, or ranks are not processes

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> choose("", LocalCommunicator())
    {}
    """
    chosen = named(names, PEERS)
    for name in chosen:
        if comm.size > 1 and comm.spec != "mpi":
            raise UsageError(
                f"{name} needs a process a rank, but --backend is {comm.spec}",
                remedy="Start the ranks with mpirun.",
            )
    return {name: cast("OpenPeer", importlib.import_module(PEERS[name]).open_peer) for name in chosen}


def named(names: str, known: Collection[str]) -> list[str]:
    """The peers named, separated by commas, out of those that a benchmark knows.

    Raises
    ------
    UsageError : no such peer, or it is not installed

    >>> named("", ("torch",))
    []
    """
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            hint = did_you_mean(name, known)
            raise UsageError(f"unknown peer {name!r}", remedy=f"{hint} There is {', '.join(known)}.".strip())
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"the peer {name} is not installed for this Python",
                remedy=f"Install {name}, or run with a Python that has it.",
            )
    return chosen
