"""``bench scaling``: how throughput grows with ranks, what of it communication takes, and which rank is slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddtrain.bench import machine, mpirun, plots, text_tables, trainables
from ddtrain.bench.peers import registry
from ddtrain.bench.scaling import report
from ddtrain.bench.timing import Seconds, Turn, quartiles, step_seconds
from ddtrain.bench.workloads import WORKLOADS
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.suggestions import did_you_mean
from ddtrain.trainer.atomic_files import write_json

_NOT_PARTS = ("began", "ended", "steps", "blocked")  # keys of a turn's record that are not parts of the step's time


@dataclass(frozen=True)
class Options:
    """What to measure."""

    what: str = ",".join(WORKLOADS)
    """Recipes of ddtrain.recipes, on their data, and workloads of the benchmarks; separated by commas."""
    ranks: str = "1,2,4"
    """Numbers of ranks, separated by commas; 1 is always among them, for comparison."""
    mode: str = "weak"
    """weak: each rank keeps one rank's batch; strong: the ranks share it."""
    batch: int = 0
    """Samples in a step of one rank; 0: the recipe's or workload's own."""
    repeats: int = 3
    """Times that every size is started; sizes take turns."""
    seconds: float = 2.0
    """Measured seconds of each contestant whenever a size is started."""
    peers: str = ""
    """Other trainers in the same processes, by turns: torch, if installed (its batch-norm is not synchronised)."""
    backend: str = "auto"
    """Communication between the ranks, as --comm.backend of ddtrain.train."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    plot: str = ""
    """File for a picture: throughput, efficiency and where the time goes, .png, .svg or .pdf."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print a table.

    Raises
    ------
    UsageError : a subject, peer, mode or number of ranks there is not, or a batch too small for the ranks
    LaunchError : ranks that failed
    DataError : a file cannot be written
    """
    sizes = sorted({1, *mpirun.check_sizes(options.ranks)})
    chosen, others = check(options, sizes), registry.named(options.peers, registry.ON_RANKS)
    result: dict[str, Any] = {
        "benchmark": "scaling",
        "mode": options.mode,
        "backend": options.backend,
        "machine": machine.facts(*registry.packages(others)),
        "peers": others,
        "subjects": {job.name: measure(job, sizes, options) for job in chosen},
    }
    report.show(result)
    if options.json:
        write_json(options.json, result)
    if options.plot:
        report.plot(result, options.plot)


def check(options: Options, sizes: Sequence[int]) -> list[trainables.Subject]:
    """What is to be trained; every mistake is found before a rank starts."""
    if options.mode not in trainables.MODES:
        hint = did_you_mean(options.mode, trainables.MODES)
        raise UsageError(f"--mode {options.mode} is neither weak nor strong", remedy=hint)
    for name, value, least in (("batch", options.batch, 0), ("repeats", options.repeats, 1)):
        if value < least:
            raise UsageError(f"--{name} {value} is out of range", remedy=f"Give {least} or more.")
    if not 0 < options.seconds < float("inf"):
        raise UsageError(f"--seconds {options.seconds} is out of range", remedy="Give a number above 0.")
    plots.check(options.plot)
    others = registry.named(options.peers, registry.ON_RANKS)
    chosen = trainables.choose(options.what, options.batch)
    for job in chosen:
        if job.global_batch(options.mode, sizes[-1]) < sizes[-1]:
            raise UsageError(
                f"{job.name} has a batch of {job.batch}, too few for {sizes[-1]} ranks to share",
                remedy="Give a larger --batch, fewer --ranks or --mode weak.",
            )
        for ranks in sizes if others else ():
            job.workload_of(options.mode, ranks)
    return chosen


def measure(job: trainables.Subject, sizes: Sequence[int], options: Options) -> dict[str, Any]:
    """Figures of one subject at all sizes, which are started by turns."""
    found: dict[int, list[list[Any]]] = {ranks: [] for ranks in sizes}
    for repeat in range(options.repeats):
        for ranks in sizes:
            found[ranks].append(
                mpirun.launch(
                    ranks,
                    "scaling",
                    options.backend if ranks > 1 else "auto",
                    subject=job.name,
                    batch=options.batch,
                    mode=options.mode,
                    seconds=options.seconds,
                    peers=options.peers,
                )
            )
            rate = np.median(throughput(found[ranks][-1], "ours"))
            done = f"{repeat + 1}/{options.repeats}"
            text_tables.progress(f"{job.name}, {ranks} ranks ({done}): {rate:.0f} samples/s")
    facts = found[sizes[0]][0][0]
    per_rank = {ranks: figures(found[ranks]) for ranks in sizes}
    one = per_rank[1]["samples_per_s"]["median"]
    for ranks, row in per_rank.items():
        row["efficiency"] = round(row["samples_per_s"]["median"] / (ranks * one), 4)
    return {
        "about": job.about,
        "batch": job.batch,
        "parameters": facts["parameters"],
        "sizes": {str(ranks): row for ranks, row in per_rank.items()},
    }


def throughput(launch: Sequence[Mapping[str, Any]], name: str) -> Seconds:
    """(turns,) samples a second of all ranks together."""
    rates: Seconds = launch[0]["batch"] / step_seconds([found["turns"][name] for found in launch])
    return rates


def figures(launches: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What the launches of one size come to: throughput of each contestant, and where our time goes."""
    first = launches[0][0]
    rates = {name: np.concatenate([throughput(launch, name) for launch in launches]) for name in first["turns"]}
    row: dict[str, Any] = {"batch": first["batch"], "samples_per_s": quartiles(rates["ours"], digits=1)}
    for name in rates.keys() - {"ours"}:
        row[f"{name}_samples_per_s"] = quartiles(rates[name], digits=1)
        row[f"{name}_ratio"] = quartiles(rates["ours"] / rates[name])
    ranks = [_rank_ms([launch[rank]["turns"]["ours"] for launch in launches]) for rank in range(len(launches[0]))]
    row["step_ms"] = round(1e3 * row["batch"] / row["samples_per_s"]["median"], 4)
    row["parts_ms"] = {name: round(float(np.mean([rank[name] for rank in ranks])), 4) for name in ranks[0]}
    row["ranks_ms"] = ranks
    row["slowest_rank"] = int(np.argmin([rank["blocked"] for rank in ranks]))
    row |= {name: first[name] for name in ("gradient_bytes", "trace_calls", "trace_bytes")}
    row["oversubscribed"] = len(ranks) > machine.cores()
    return row


def _rank_ms(launches: Sequence[Sequence[Turn]]) -> dict[str, float]:
    """One rank's milliseconds a step, by part: the median turn's; ``other`` is what no part accounts for."""
    turns = [turn for launch in launches for turn in launch]
    names = [name for name in turns[0] if name not in _NOT_PARTS]
    rows = []
    for turn in turns:
        parts = {name: turn[name] / turn["steps"] for name in names}
        whole = (turn["ended"] - turn["began"]) / turn["steps"]
        rows.append({**parts, "other": whole - sum(parts.values()), "blocked": turn["blocked"] / turn["steps"]})
    return {name: round(1e3 * float(np.median([row[name] for row in rows])), 4) for name in rows[0]}
