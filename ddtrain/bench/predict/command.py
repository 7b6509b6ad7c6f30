"""``bench predict``: steps on thousands of ranks, from what a few processes here measure and a model of the network.

Note [What is measured]
Moments of the step (forward, the finish of each gradient, update) are measured with communication free, by as many
processes at once as a node has ranks, but at most one a core: they share its memory; the one rank that efficiency is
compared with shares it, too. What a sum costs the ranks themselves is measured with two. The rest is calculated
(Note [Simulation], Note [Fabric]). At the sizes that are also run, moments and sums are measured with that many
processes, so that the error is that of the calculation: what is hidden behind computing and what is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ddtrain.bench import machine, mpirun, plots, text_tables, trainables
from ddtrain.bench.predict import networks, report
from ddtrain.bench.predict.extrapolation import Model, Where, compare, handling_of, profile_of
from ddtrain.bench.predict.networks import MESSAGES, ONE_NODE, Fabric
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.atomic_files import write_json

_MOST_RANKS = 1 << 20


@dataclass(frozen=True)
class Options:
    """What to predict."""

    what: str = "mlp"
    """A recipe of ddtrain.recipes, or a workload of the benchmarks."""
    ranks: str = "2..4096"
    """Numbers of ranks: doubling from the first to the last, or separated by commas."""
    network: str = "10gbe"
    """1gbe, 10gbe, 25gbe, 100gbe, hdr or loopback, or latency,bandwidth in microseconds and Gbit/s; both may be
    followed by ,ranks-per-node where it is not 1. node: all ranks share memory.
    """
    calibrate: bool = False
    """Predict for messages that take as long as between two ranks here, in place of --network."""
    validate: str = ""
    """Numbers of ranks to run here too, separated by commas: behind wire:mpi with the network's numbers, each rank a
    node; with --calibrate by messages alone, with --network node as they are.
    """
    mode: str = "weak"
    """weak: each rank keeps one rank's batch; strong: the ranks share it."""
    batch: int = 0
    """Samples in a step of one rank; 0: the recipe's or workload's own."""
    bucket_bytes: int = 0
    """Bytes of gradient reduced at once; 0: the recipe's own. Other sizes are tried for a recommendation."""
    repeats: int = 2
    """Times that each size of --validate is started; sizes take turns."""
    seconds: float = 2.0
    """Measured seconds whenever processes are started."""
    backend: str = "auto"
    """As of the other benchmarks, but this one chooses by --network."""
    json: str = ""
    """File for all figures, and the machine's facts."""
    plot: str = ""
    """File for a picture: efficiency and throughput over ranks, .png, .svg or .pdf."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, predict, and print a table.

    Raises
    ------
    UsageError : a subject, network or number of ranks there is not
    LaunchError : ranks that failed
    DataError : a file cannot be written
    """
    sizes, sizes_run, fabric = check(options)
    job = trainables.find(options.what, options.batch)
    bucket_bytes = options.bucket_bytes or job.config.comm.bucket_bytes
    together = min(fabric.ranks_per_node, machine.cores())
    batches = sorted({job.batch, max(job.batch // 2, 1)})
    profiles = [profile_of(_launch(together, job, options, batch=batch)) for batch in batches]
    two = _launch(2, job, options)
    inside, messages = (handling_of(two, way) for way in ("ours", "messages"))
    where = Where(MESSAGES if options.calibrate else fabric, inside, messages, options.mode, bucket_bytes)
    model = Model(profiles, job.batch, where)
    result = {
        "benchmark": "predict",
        "subject": job.name,
        "about": job.about,
        "mode": options.mode,
        "batch": job.batch,
        "network": "messages as here" if options.calibrate else options.network,
        "handling": {"inside": asdict(inside), "messages": asdict(messages)},
        "bucket_bytes": bucket_bytes,
        "step_ms": round(1e3 * model.one.step_s, 4),
        "machine": machine.facts(),
        "ranks": {str(ranks): model.row(ranks) for ranks in sizes},
        "validated": _validate(job, sizes_run, where, options) if sizes_run else {},
        "takeover": {**model.takeover_ranks(), **model.takeover_batch(sizes[-1])},
    }
    report.show(result)
    if options.json:
        write_json(options.json, result)
    if options.plot:
        report.plot(result, options.plot)


def check(options: Options) -> tuple[list[int], list[int], Fabric]:
    """Ranks to predict for, ranks to run, and the network; every mistake is found before a rank starts."""
    if options.mode not in trainables.MODES:
        hint = did_you_mean(options.mode, trainables.MODES)
        raise UsageError(f"--mode {options.mode} is neither weak nor strong", remedy=hint)
    for name, value, least in (
        ("batch", options.batch, 0),
        ("bucket-bytes", options.bucket_bytes, 0),
        ("repeats", options.repeats, 1),
    ):
        if value < least:
            raise UsageError(f"--{name} {value} is out of range", remedy=f"Give {least} or more.")
    if not 0 < options.seconds < float("inf"):
        raise UsageError(f"--seconds {options.seconds} is out of range", remedy="Give a number above 0.")
    plots.check(options.plot)
    job, fabric = trainables.find(options.what, options.batch), networks.parse(options.network)
    sizes = parse_ranks(options.ranks)
    mpirun.check_sizes("2")
    sizes_run = mpirun.check_sizes(options.validate, "--validate") if options.validate else []
    if sizes_run and job.global_batch(options.mode, sizes_run[-1]) < sizes_run[-1]:
        raise UsageError(
            f"{job.name} has a batch of {job.batch}, too few for {sizes_run[-1]} ranks to share",
            remedy="Give a larger --batch, fewer ranks to --validate or --mode weak.",
        )
    return sizes, sizes_run, fabric


def parse_ranks(text: str) -> list[int]:
    """Numbers of ranks, ascending.

    Raises
    ------
    UsageError : not numbers, or more than a million

    >>> parse_ranks("2..16"), parse_ranks("3..10"), parse_ranks("8,2")
    ([2, 4, 8, 16], [3, 6, 10], [2, 8])
    """
    first, dots, last = text.partition("..")
    parts = [part.strip() for part in ((first, last) if dots else text.split(","))]
    numbers = sorted({int(part) for part in parts if part.isdecimal()})
    backwards = dots and len(numbers) == 2 and int(parts[0]) > int(parts[1])
    if not all(part.isdecimal() for part in parts) or backwards or not 0 < numbers[0] <= numbers[-1] <= _MOST_RANKS:
        raise UsageError(
            f"--ranks {text}: expected numbers of ranks from 1 to {_MOST_RANKS}",
            remedy="Write --ranks 2..4096 or --ranks 2,8,100.",
        )
    if not dots:
        return numbers
    doubled = [numbers[0] << power for power in range(32) if numbers[0] << power < numbers[-1]]
    return [*doubled, numbers[-1]]


def _launch(
    ranks: int, job: trainables.Subject, options: Options, mode: str = "weak", batch: int = 0, backend: str = ""
) -> list[Any]:
    """What the ranks measure; with a ``backend``, real steps over it among it."""
    text_tables.progress(f"{job.name}, {ranks} ranks{' over ' * bool(backend)}{backend}")
    settings: dict[str, Any] = {
        "batch": batch or options.batch,
        "mode": mode,
        "seconds": options.seconds,
        "real": bool(backend),
    }
    settings |= {"subject": job.name, "bucket_bytes": options.bucket_bytes, "share": not options.calibrate}
    return mpirun.launch(ranks, "predict", backend or "auto", **settings)


def _validate(job: trainables.Subject, sizes: Sequence[int], where: Where, options: Options) -> dict[str, Any]:
    """Predicted and measured steps at sizes that are run, which take turns."""
    found: dict[int, list[list[Any]]] = {ranks: [] for ranks in sizes}
    for _ in range(options.repeats):
        for ranks in sizes:
            found[ranks].append(_launch(ranks, job, options, options.mode, backend=_backend(ranks, where)))
    return {str(ranks): compare(ranks, launches, where) for ranks, launches in found.items()}


def _backend(ranks: int, where: Where) -> str:
    if where.fabric in (ONE_NODE, MESSAGES) or ranks == 1:
        return "auto"
    return f"wire:mpi,latency-us={where.fabric.latency_s * 1e6:g},gbit-s={where.fabric.bytes_per_s * 8e-9:g}"
