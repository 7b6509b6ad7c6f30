"""From the text of ``--comm.backend`` to communicators.

To add a backend, write ``comm/backends/<name>.py`` and give it a line in ``_MAKERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ddtrain.comm.backends.debug import DebugCommunicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.comm.backends.threads import make_threads
from ddtrain.comm.backends.wire import Link, WireCommunicator
from ddtrain.comm.backends.wire_options import parse_wire
from ddtrain.comm.protocol import Communicator
from ddtrain.comm.startup.environment import launcher
from ddtrain.errors import UsageError, quoted

_LONGEST = 200  # characters; no sensible nesting of backends is longer
_MOST = {"threads": 1024, "null": 1 << 20}  # most ranks of each; a process is rarely allowed more threads


def make(spec: str) -> Sequence[Communicator]:
    """The communicators of the ranks that live in this process, in rank order.

    Parameters
    ----------
    spec : ``auto`` (``mpi`` when a launcher started several processes, else ``local``), ``local``, ``threads:N``,
        ``mpi``, ``null:N``, ``debug`` or ``debug:`` and another spec, ``wire:`` and another spec and a network

    Raises
    ------
    UsageError : the backend is unknown, or does not fit the launcher that started this process.

    >>> [comm.rank for comm in make("threads:3")]
    [0, 1, 2]
    """
    name, _, argument = resolve(spec).partition(":")
    return _MAKERS[name](argument)


def resolve(spec: str) -> str:
    """A spec in full, so that two specs with the same meaning are the same text.

    Raises
    ------
    UsageError : the backend is unknown

    >>> resolve("auto"), resolve("debug"), resolve("wire:threads:2,gbit-s=1,latency-us=0")
    ('local', 'debug:local', 'wire:threads:2,gbit-s=1,latency-us=0')
    """
    name, colon, argument = spec.partition(":")
    if name not in (*_MAKERS, "auto") or (colon and not argument) or len(spec) > _LONGEST:
        raise UsageError(f"--comm.backend {quoted(spec)} is not a backend", remedy=_VALID)
    if name == "auto":
        _no_argument(name, argument)
        return "mpi" if launcher().size > 1 else "local"
    if name == "debug":
        return f"debug:{resolve(argument or 'auto')}"
    if name == "wire":
        inner, comma, options = argument.partition(",")
        return f"wire:{resolve(inner)}{comma}{options}"
    return spec


def uses_mpi(resolved: str) -> bool:
    """Whether the ranks of a resolved spec are processes that talk through MPI.

    >>> uses_mpi("wire:debug:mpi,gbit-s=1,latency-us=0"), uses_mpi("threads:2")
    (True, False)
    """
    return resolved.partition(",")[0].split(":")[-1] == "mpi"


def _local(argument: str) -> Sequence[Communicator]:
    _no_argument("local", argument)
    _alone("local")
    return [LocalCommunicator()]


def _threads(argument: str) -> Sequence[Communicator]:
    size = _count("threads", argument)
    _alone(f"threads:{size}")
    return make_threads(size)


def _mpi(argument: str) -> Sequence[Communicator]:
    _no_argument("mpi", argument)
    from ddtrain.comm.backends.mpi.world import make_mpi  # importing this module starts MPI, which may not be installed

    return [make_mpi()]


def _null(argument: str) -> Sequence[Communicator]:
    size = _count("null", argument)
    _alone(f"null:{size}")
    return [NullCommunicator(size)]


def _debug(argument: str) -> Sequence[Communicator]:
    return [DebugCommunicator(comm) for comm in make(argument)]


def _wire(argument: str) -> Sequence[Communicator]:
    inner, network = parse_wire(argument)
    return [WireCommunicator(comm, Link(network)) for comm in make(inner)]


_MAKERS: dict[str, Callable[[str], Sequence[Communicator]]] = {
    "local": _local,
    "threads": _threads,
    "mpi": _mpi,
    "null": _null,
    "debug": _debug,
    "wire": _wire,
}
_VALID = "Give auto, local, threads:N, mpi, null:N, debug, debug:BACKEND or wire:BACKEND,latency-us=50,gbit-s=10."


def _no_argument(name: str, argument: str) -> None:
    if argument:
        raise UsageError(f"--comm.backend {name}:{argument}: {name} takes no argument", remedy=_VALID)


def _count(name: str, argument: str) -> int:
    most = _MOST[name]
    if not argument.isdecimal() or len(argument) > len(str(most)) or not 1 <= int(argument) <= most:
        given = quoted(f"{name}:{argument}", plain=True)
        raise UsageError(f"--comm.backend {given}: the number of ranks must be 1 or more, up to {most}", remedy=_VALID)
    return int(argument)


def _alone(spec: str) -> None:
    facts = launcher()
    if facts.size > 1:
        raise UsageError(
            f"--comm.backend {spec} runs in one process, but the launcher started {facts.size} ({facts.variable})",
            remedy="Start it without mpirun or srun, or give --comm.backend mpi.",
        )
