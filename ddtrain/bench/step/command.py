"""``bench step``: how long a training step takes, what of it is the trainer's own, and how long a peer takes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ddtrain.bench import machine, text_tables, workloads
from ddtrain.bench.peers import registry
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.timing import Contestant, Seconds, alternate, quartiles
from ddtrain.comm import Communicator, run_on_all
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import write_json

OWN_LIMIT_US = 150.0  # the trainer's own time a step with OWN_LIMIT_WORKLOAD on one rank, as the README promises
OWN_LIMIT_WORKLOAD = "tiny_mlp"
_WARM_UP = 5  # uncounted steps of each contestant
_SECONDS = 2.0  # total seconds of our measured steps, if the number of repeats is not given
_FEWEST, _MOST = 20, 500


@dataclass(frozen=True)
class Options:
    """What to measure."""

    workloads: str = ""
    """Names, separated by commas; empty: all of them."""
    repeats: int = 0
    """Measured steps of each contestant; 0: as many as take two seconds, but 20 to 500."""
    peers: str = ""
    """Other trainers to run beside ours, step for step: torch, if it is installed."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    backend: str = "auto"
    """Communication between ranks, as --comm.backend of ddtrain.train."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print a table from rank 0. Collective.

    Raises
    ------
    UsageError : a workload or peer there is not
    DataError : the JSON file cannot be written
    """
    if options.repeats < 0:
        raise UsageError(f"--repeats {options.repeats} is out of range", remedy="Give 0 (by time) or more.")
    chosen, others = workloads.choose(options.workloads), registry.choose(options.peers, comm)
    found = {}
    for name, workload in chosen.items():
        found[name] = measure(comm, name, workload, others, options.repeats)
        if comm.rank == 0:
            text_tables.progress(f"{name}: {found[name]['step_ms']['median']} ms a step")
    result = {
        "benchmark": "step",
        "ranks": comm.size,
        "backend": comm.spec,
        "machine": machine.facts(*others),
        "workloads": found,
    }
    if comm.rank == 0:
        text_tables.print_step(result)
    if options.json:
        run_on_all(comm, lambda: write_json(options.json, result) if comm.rank == 0 else None)


def measure(
    comm: Communicator,
    name: str,
    workload: workloads.Workload,
    others: dict[str, registry.OpenPeer] | None = None,
    repeats: int = 0,
) -> dict[str, Any]:
    """This rank's figures of one workload, ours and others' by turns. Collective."""
    others = others or {}
    with ExitStack() as stack:
        mine = stack.enter_context(ours(comm, name, workload))
        contestants: list[Contestant] = [mine.step, mine.eager]
        contestants += [stack.enter_context(open_peer(comm, workload)) for open_peer in others.values()]
        for contestant in contestants:
            for _ in range(_WARM_UP):
                took = contestant()
            if contestant == mine.step:
                repeats = comm.exchange_objects(repeats or _enough(took["step"]))[0]
        seconds = alternate(contestants, repeats, comm.barrier)
    figures = _figures(seconds, workload.batch * comm.size)
    if name == OWN_LIMIT_WORKLOAD and comm.size == 1:
        figures["own_us"]["limit"] = OWN_LIMIT_US
    for other in others:
        figures[f"{other}_ms"] = quartiles(seconds[other], 1e-3)
        figures[f"{other}_ratio"] = round(figures["step_ms"]["median"] / figures[f"{other}_ms"]["median"], 3)
    about = {"about": workload.about, "batch": workload.batch, "parameters": workloads.parameter_count(workload)}
    return {**about, "repeats": repeats, **figures}


def _enough(step_s: float) -> int:
    return min(max(int(_SECONDS / step_s), _FEWEST), _MOST)


def _figures(seconds: dict[str, Seconds], samples: int) -> dict[str, Any]:
    step = quartiles(seconds["step"], 1e-3)
    return {
        "step_ms": step,
        "eager_ms": quartiles(seconds["eager"], 1e-3),
        "own_us": quartiles(seconds["step"] - seconds["eager"], 1e-6, digits=1),
        **{f"{part}_ms": quartiles(seconds[part], 1e-3) for part in ("forward", "backward", "wait")},
        "samples_per_s": round(samples / step["median"] * 1e3, 1),
    }
