"""``bench ops``: what derivatives of small functions cost, beside a peer in the same process, and how cost grows.

Small functions show the price of a traced step; there the limit is half of the peer's time. Where NumPy does most of
the work, it is the peer's time.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

import ddtrain
import ddtrain.numpy
from ddtrain import tree
from ddtrain.bench import choices, machine, text_tables
from ddtrain.bench.ops import report, scaling
from ddtrain.bench.ops.programs import PROGRAMS, PYTHON_BOUND_SIZE, Function, Program
from ddtrain.bench.peers import registry
from ddtrain.bench.timing import Contestant, alternate, quartiles
from ddtrain.comm import Communicator
from ddtrain.errors import DdtrainError, UsageError
from ddtrain.trainer.atomic_files import write_json

PEERS = ("autograd",)
# largest allowed ratio of our time to the peer's, by where most of the time is spent
LIMITS = {"python": 0.5, "numpy": 1.0}
_TURN_S = 0.004  # shortest measurement, long enough that the clock and the loop cost nothing beside it
_SECONDS = 1.0  # total seconds of our measurements, if the number of repeats is not given
_FEWEST, _MOST = 10, 100


@dataclass(frozen=True)
class Options:
    """What to measure."""

    programs: str = ""
    """Names, separated by commas; empty: all of them."""
    repeats: int = 0
    """Measurements of each contestant; 0: as many as take a second, but 10 to 100."""
    peers: str = ""
    """Whose derivatives to time beside ours, turn by turn: autograd, if it is installed."""
    scaling: bool = False
    """Time and memory of chains of up to --most nodes instead of the programs."""
    most: int = 1_000_000
    """Nodes of the longest chain of --scaling; the shorter ones have a tenth, a hundredth, a thousandth."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    backend: str = "auto"
    """As of the other benchmarks, but this one is for a single rank."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print a table.

    Raises
    ------
    UsageError : a program or peer there is not, or more than one rank
    DataError : the JSON file cannot be written
    """
    if comm.size > 1:
        raise UsageError(f"bench ops is for one rank, not {comm.size}", remedy="Start it without mpirun.")
    if options.repeats < 0:
        raise UsageError(f"--repeats {options.repeats} is out of range", remedy="Give 0 (by time) or more.")
    if options.most < scaling.FEWEST:
        raise UsageError(f"--most {options.most} is out of range", remedy=f"Give {scaling.FEWEST} or more.")
    others = registry.named(options.peers, PEERS)
    chosen = choose(options.programs)
    result: dict[str, Any] = {"benchmark": "ops", "machine": machine.facts(*others)}
    if options.scaling:
        result["chains"] = scaling.measure(options.most)
        report.print_scaling(result)
    else:
        result["programs"] = {}
        for name, program in chosen.items():
            result["programs"][name] = measure(program, others, options.repeats)
            text_tables.progress(f"{name}: {result['programs'][name]['ours_us']['median']} µs")
        report.print_programs(result, others)
    if options.json:
        write_json(options.json, result)


def choose(names: str) -> dict[str, Program]:
    """The programs named, separated by commas; all of them for an empty string.

    Raises
    ------
    UsageError : no such program, with the nearest name there is

    >>> list(choose("lstm, chain"))
    ['lstm', 'chain']
    """
    return {name: PROGRAMS[name] for name in choices.choose("program", names, PROGRAMS)}


def measure(program: Program, others: list[str], repeats: int = 0) -> dict[str, Any]:
    """Figures of one program: microseconds a derivative of ours and of each peer, and their ratios.

    Raises
    ------
    DdtrainError : a peer's derivative is another than ours
    """
    derivatives = {"ours": program.derivative(ddtrain.numpy, ddtrain)}
    for other in others:
        np_of = importlib.import_module(f"{other}.numpy")
        derivatives[other] = program.derivative(np_of, importlib.import_module(other))
    _check_equal(program, derivatives)
    seconds_a_call = {name: _once(derivative, program.point) for name, derivative in derivatives.items()}
    contestants = [_contestant(name, derivatives[name], program.point, s) for name, s in seconds_a_call.items()]
    repeats = repeats or min(max(int(_SECONDS / max(_TURN_S, seconds_a_call["ours"])), _FEWEST), _MOST)
    found = alternate(contestants, repeats, barrier=lambda: None)
    largest = program.largest(ddtrain.numpy)
    bound = "python" if largest <= PYTHON_BOUND_SIZE else "numpy"
    figures: dict[str, Any] = {"about": program.about, "operator": program.operator, "repeats": repeats}
    figures |= {"bound": bound, "largest": largest, "ours_us": quartiles(found["ours"], 1e-6, digits=2)}
    for other in others:
        figures[f"{other}_us"] = quartiles(found[other], 1e-6, digits=2)
        ratio = figures["ours_us"]["median"] / figures[f"{other}_us"]["median"]
        figures[f"{other}_ratio"] = {"median": round(ratio, 3), "limit": LIMITS[bound]}
    return figures


def _check_equal(program: Program, derivatives: Mapping[str, Function]) -> None:
    """Times of different answers cannot be compared."""
    answers = {name: tree.flatten(derivative(program.point))[0] for name, derivative in derivatives.items()}
    for name, answer in answers.items():
        # the tolerance allows for float64 sums of thousands of terms in another order
        if not all(np.allclose(a, b, rtol=1e-8, atol=1e-10) for a, b in zip(answers["ours"], answer, strict=True)):
            raise DdtrainError(f"{name} has another derivative of {program.about} than ours")


def _once(derivative: Function, point: Any) -> float:
    """Seconds of one call, the quickest of three."""
    return min(_contestant("once", derivative, point, _TURN_S)()["once"] for _ in range(3))


def _contestant(name: str, derivative: Function, point: Any, seconds_a_call: float) -> Contestant:
    """Calls ``derivative`` as often as fills a turn."""
    calls = max(1, round(_TURN_S / seconds_a_call))

    def turn() -> dict[str, float]:
        started = perf_counter()
        for _ in range(calls):
            derivative(point)
        return {name: (perf_counter() - started) / calls}

    return turn
