"""``bench shards``: what it costs that a run's numbers do not depend on its ranks.

The same global batch, on the ranks there are: in one piece a rank, as without the option, and in V shards. Both
trainers take turns in one process, so that the ratio holds on a noisy machine, too.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.table import Table

from ddtrain.bench import machine, text_tables, workloads
from ddtrain.bench.peers.ddtrain_steps import Ours, ours
from ddtrain.bench.timing import Contestant, alternate, quartiles
from ddtrain.comm import Communicator, run_on_all
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import write_json

_WARM_UP = 2  # uncounted steps of each contestant


@dataclass(frozen=True)
class Options:
    """What to measure."""

    workloads: str = ""
    """Names, separated by commas; empty: all of them."""
    shards: int = 8
    """V; the global batch is V times that of the workload."""
    repeats: int = 20
    """Measured steps of each."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    backend: str = "auto"
    """Communication between ranks, as --comm.backend of ddtrain.train."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print a table from rank 0. Collective.

    Raises
    ------
    UsageError : fewer shards than ranks, or a workload there is not
    """
    if options.repeats < 1:
        raise UsageError(f"--repeats {options.repeats} is out of range", remedy="Give 1 or more.")
    found = {}
    for name, workload in workloads.choose(options.workloads).items():
        found[name] = measure(comm, name, workload, options.shards, options.repeats)
        if comm.rank == 0:
            text_tables.progress(f"{name}: {found[name]['ratio']:.3f} times as long")
    facts = machine.facts()
    result = {"benchmark": "shards", "ranks": comm.size, "backend": comm.spec, "machine": facts, "workloads": found}
    if comm.rank == 0:
        _print(result, options.shards)
    if options.json:
        run_on_all(comm, lambda: write_json(options.json, result) if comm.rank == 0 else None)


def measure(comm: Communicator, name: str, workload: workloads.Workload, shards: int, repeats: int) -> dict[str, Any]:
    """Milliseconds of a step with and without shards, and their ratio. Collective."""
    with ExitStack() as stack:
        contestants: list[Contestant] = []
        for label, count in (("whole", 0), ("shards", shards)):
            mine = stack.enter_context(ours(comm, name, workload, shards=count, batch=shards * workload.batch))
            contestants.append(_contestant(label, mine))
        for contestant in contestants:
            for _ in range(_WARM_UP):
                contestant()
        seconds = alternate(contestants, repeats, comm.barrier)
    figures = {f"{label}_ms": quartiles(seconds[label], 1e-3) for label in ("whole", "shards")}
    return {
        "about": workload.about,
        "batch": shards * workload.batch,
        **figures,
        "ratio": round(figures["shards_ms"]["median"] / figures["whole_ms"]["median"], 3),
    }


def _contestant(label: str, mine: Ours) -> Contestant:
    return lambda: {label: mine.step()["step"]}


def _print(result: dict[str, Any], shards: int) -> None:
    lines = [f"{result['ranks']} rank(s), {result['backend']}", *text_tables.machine_lines(result["machine"])]
    table = Table(box=box.SIMPLE_HEAD, caption="\n".join(lines), caption_justify="left")
    table.add_column("workload")
    for head in ("global batch", "a piece a rank, ms", f"{shards} shards, ms", "ratio"):
        table.add_column(head, justify="right")
    for name, row in result["workloads"].items():
        whole, cut = row["whole_ms"]["median"], row["shards_ms"]["median"]
        table.add_row(name, str(row["batch"]), f"{whole:.3f}", f"{cut:.3f}", f"{row['ratio']:.3f}")
    text_tables.show(table, columns=100)
