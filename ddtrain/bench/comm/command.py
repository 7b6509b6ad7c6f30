"""``bench comm``: how long a sum over ranks takes, 4 bytes to 64 megabytes, beside MPI's, gloo's and memory's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddtrain.bench import machine, mpirun, plots
from ddtrain.bench.comm import job as comm_job
from ddtrain.bench.comm import report
from ddtrain.bench.peers import registry
from ddtrain.bench.timing import Turn, quartiles, step_seconds
from ddtrain.comm import Communicator, launcher, run_on_all
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import write_json

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}
_MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Options:
    """What to measure."""

    ranks: int = 2
    """Ranks to start on this machine; under mpirun, it has started them."""
    sizes: str = "4,16,64,256,1K,4K,16K,64K,256K,1M,4M,13M,16M,64M"
    """Bytes of the vector of float32 that is summed, separated by commas; K and M: times 1024 and 1024 squared."""
    seconds: float = 0.4
    """Measured seconds of each contestant at each size."""
    peers: str = ""
    """Whose sums to measure too: torch (gloo), if it is installed."""
    backend: str = "auto"
    """Communication between the ranks, as --comm.backend of ddtrain.train."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    plot: str = ""
    """File for a picture: time over size, .png, .svg or .pdf."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print a table from rank 0. Collective under mpirun.

    Raises
    ------
    UsageError : a size, peer or number of ranks there is not
    LaunchError : ranks that failed
    DataError : a file cannot be written
    """
    sizes = parse_sizes(options.sizes)
    if not 0 < options.seconds < float("inf"):
        raise UsageError(f"--seconds {options.seconds} is out of range", remedy="Give a number above 0.")
    plots.check(options.plot)
    versions = registry.named(options.peers, ("torch",))
    settings: dict[str, Any] = {"sizes": sizes, "seconds": options.seconds, "peers": options.peers}
    if launcher().size > 1:
        ranks = comm.exchange_objects(comm_job.run(comm, **settings))
    elif options.ranks < 2:
        raise UsageError(f"--ranks {options.ranks}: a sum takes two ranks", remedy="Give 2 or more.")
    else:
        mpirun.check_sizes(str(options.ranks))
        ranks = mpirun.launch(options.ranks, "comm", options.backend, **settings)
    result = {
        "benchmark": "comm",
        "ranks": len(ranks),
        "backend": options.backend,
        "machine": machine.facts(*versions),
        "sizes": {str(nbytes): figures([rank[str(nbytes)] for rank in ranks]) for nbytes in sizes},
    }
    run_on_all(comm, lambda: _report(result, options) if comm.rank == 0 else None)


def _report(result: dict[str, Any], options: Options) -> None:
    report.show(result)
    if options.json:
        write_json(options.json, result)
    if options.plot:
        report.plot(result, options.plot)


def parse_sizes(text: str) -> list[int]:
    """Bytes, ascending.

    Raises
    ------
    UsageError : not a whole number of float32, or more than a gigabyte

    >>> parse_sizes("1M, 4,64K")
    [4, 65536, 1048576]
    """
    return sorted({_bytes(part.strip(), text) for part in text.split(",")})


def _bytes(part: str, text: str) -> int:
    number, unit = (part[:-1], part[-1]) if part[-1:] in ("K", "M") else (part, "")
    nbytes = int(number) * _UNITS[unit] if number.isdecimal() else 0
    if nbytes % 4 or not 0 < nbytes <= _MOST_BYTES:
        raise UsageError(
            f"--sizes {text}: {part!r} is not a number of bytes that float32 fills, up to {_MOST_BYTES}",
            remedy="Write --sizes 4,64K,1M.",
        )
    return nbytes


def figures(ranks: Sequence[Mapping[str, Sequence[Turn]]]) -> dict[str, Any]:
    """Microseconds a sum by contestant, and how many times as long as ours the others take."""
    seconds = {name: step_seconds([rank[name] for rank in ranks]) for name in ranks[0]}
    row: dict[str, Any] = {f"{name}_us": quartiles(seconds[name], 1e-6, digits=3) for name in seconds}
    for name in seconds.keys() - {"ours"}:
        row[f"{name}_ratio"] = quartiles(seconds[name] / seconds["ours"])
    return row
