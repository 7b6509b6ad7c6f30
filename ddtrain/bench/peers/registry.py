"""Other trainers in the same race: what they must offer, and where they are found. None is a dependency.

To add a peer, write ``bench/peers/<name>.py`` with a function that opens it, and give it a line in ``PEERS``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from ddtrain.bench.workloads import Workload
from ddtrain.comm import Communicator
from ddtrain.errors import DdtrainError, UsageError
from ddtrain.suggestions import did_you_mean


class CannotRun(DdtrainError):
    """A peer cannot train a workload here, or trains it to other values; the benchmark goes on without it."""


class Reached(Protocol):
    """What training has come to."""

    def loss(self) -> float:
        """Mean loss of the last step's batch, before its update."""
        ...

    def tensors(self) -> Mapping[str, NDArray[Any]]:
        """Parameters and buffers, by our paths and in our layouts."""
        ...


class Trainee(Reached, Protocol):
    """A contestant that takes whole steps of a workload, and can be asked what it has reached."""

    def __call__(self) -> Mapping[str, float]:
        """One step on all ranks; its figure has the peer's name."""
        ...


OpenPeer = Callable[[Communicator, Workload], AbstractContextManager[Trainee]]
"""Makes a trainee with our initial values, on all ranks of the communicator. It may raise :class:`CannotRun`."""


@dataclass(frozen=True)
class Peer:
    """Where a peer is found, and what it can do.

    Attributes
    ----------
    package : must be installed
    module, function : open it; an :data:`OpenPeer`
    ranks : whether it trains on several ranks
    compiles : whether its first step compiles, which takes memory of another kind than steps do
    """

    package: str
    module: str
    function: str = "open_peer"
    ranks: bool = False
    compiles: bool = False

    def open(self, comm: Communicator, workload: Workload) -> AbstractContextManager[Trainee]:
        """See :data:`OpenPeer`."""
        return cast("OpenPeer", getattr(importlib.import_module(self.module), self.function))(comm, workload)


_ROOM = "ddtrain.bench.peers"
PEERS: Mapping[str, Peer] = {
    "torch": Peer("torch", f"{_ROOM}.pytorch", ranks=True),
    "torch-compile": Peer("torch", f"{_ROOM}.pytorch", "open_compiled", compiles=True),
    "jax": Peer("jax", f"{_ROOM}.jax_steps", compiles=True),
    "numpy": Peer("numpy", f"{_ROOM}.numpy_steps"),
}
ON_RANKS = [name for name, peer in PEERS.items() if peer.ranks]


def choose(names: str, comm: Communicator) -> dict[str, Peer]:
    """The peers named, separated by commas.

    Raises
    ------
    UsageError : no such peer, or it is not installed, or does not train on so many ranks, or they are not processes

    >>> from ddtrain.comm.backends.local import LocalCommunicator
    >>> choose("", LocalCommunicator())
    {}
    """
    chosen = {name: PEERS[name] for name in named(names, PEERS)}
    for name, peer in chosen.items():
        if comm.size > 1 and not peer.ranks:
            raise UsageError(
                f"{name} trains on one rank, not {comm.size}", remedy=f"On several there is {', '.join(ON_RANKS)}."
            )
        if comm.size > 1 and comm.spec != "mpi":
            raise UsageError(
                f"{name} needs a process a rank, but --backend is {comm.spec}",
                remedy="Start the ranks with mpirun.",
            )
    return chosen


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
        package = PEERS[name].package if name in PEERS else name
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"the peer {name} is not installed for this Python",
                remedy=f"Install {package}, or run with a Python that has it.",
            )
    return chosen


def packages(names: Collection[str]) -> list[str]:
    """The packages whose versions belong to the figures of these peers, beside NumPy's own.

    >>> packages(["torch", "torch-compile", "numpy"])
    ['torch']
    """
    return sorted({PEERS[name].package for name in names} - {"numpy"})
