"""``bench step``: how long a training step takes, what of it is the trainer's own, and how long peers take.

A peer is timed once it has been seen to compute the same (``peers/agreement.py``); one that does not, or that does not
run, is left out of that workload's row, with a line that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ddtrain.bench import machine, text_tables, workloads
from ddtrain.bench.peers import registry
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.peers.joining import Joins, warm_up
from ddtrain.bench.step import memory
from ddtrain.bench.timing import Contestant, Seconds, alternate, quartiles
from ddtrain.comm import Communicator, run_on_all
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import write_json

OWN_LIMIT_US = 60.0  # asked of the trainer's own time a step, with OWN_LIMIT_WORKLOAD on one rank
OWN_LIMIT_WORKLOAD = "tiny_mlp"
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
    """Other trainers to run beside ours, step for step: torch, torch-compile, jax, numpy (by hand; perceptrons only).
    Those that are installed for this Python.
    """
    memory: bool = True
    """Whether to measure peak memory, too, on one rank: of ours and of the peers that do not compile, each in a process
    of its own.
    """
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
        if options.memory and comm.size == 1:
            found[name]["memory_mb"] = memory.measure(name, others)
        if comm.rank == 0:
            text_tables.progress(f"{name}: {found[name]['step_ms']['median']} ms a step")
            for peer, why in found[name]["left_out"].items():
                text_tables.progress(f"{name}: without {peer}: {why}")
    result = {
        "benchmark": "step",
        "ranks": comm.size,
        "backend": comm.spec,
        "machine": machine.facts(*registry.packages(others)),
        "peers": list(others),
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
    others: Mapping[str, registry.Peer] | None = None,
    repeats: int = 0,
) -> dict[str, Any]:
    """This rank's figures of one workload, ours and others' by turns. Collective."""
    left_out: dict[str, str] = {}
    with ExitStack() as stack:
        mine = stack.enter_context(ours(comm, name, workload))
        joins = Joins(comm, name, workload, mine)
        contestants: dict[str, Contestant] = {"step": mine.step, "eager": mine.eager}
        warm_up(mine.eager)
        repeats = comm.exchange_objects(repeats or _enough(mine.step()["step"]))[0]
        for other, peer in (others or {}).items():
            try:
                contestants[other] = joins.opened(other, peer, stack)
            except registry.CannotRun as error:
                left_out[other] = str(error)
        seconds = alternate([*contestants.values()], repeats, comm.barrier)
    figures = _figures(seconds, workload.batch * comm.size)
    if name == OWN_LIMIT_WORKLOAD and comm.size == 1:
        figures["own_us"]["limit"] = OWN_LIMIT_US
    for other in contestants.keys() - {"step", "eager"}:
        figures[f"{other}_ms"] = quartiles(seconds[other], 1e-3)
        figures[f"{other}_ratio"] = round(figures["step_ms"]["median"] / figures[f"{other}_ms"]["median"], 3)
    about = {"about": workload.about, "batch": workload.batch, "parameters": workloads.parameter_count(workload)}
    return {**about, "repeats": repeats, **figures, "left_out": left_out}


def _enough(step_s: float) -> int:
    return min(max(int(_SECONDS / step_s), _FEWEST), _MOST)


def _figures(seconds: dict[str, Seconds], samples: int) -> dict[str, Any]:
    step = quartiles(seconds["step"], 1e-3)
    return {
        "step_ms": step,
        "eager_ms": quartiles(seconds["eager"], 1e-3),
        # data, sums over ranks, decision, update, log and console
        "own_us": quartiles(seconds["step"] - seconds["forward"] - seconds["backward"], 1e-6, digits=1),
        **{f"{part}_ms": quartiles(seconds[part], 1e-3) for part in ("forward", "backward", "wait")},
        "samples_per_s": round(samples / step["median"] * 1e3, 1),
    }
