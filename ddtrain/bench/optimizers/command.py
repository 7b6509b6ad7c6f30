"""``bench optimizers``: the loss that every optimizer reaches, the time of its steps, and what its update costs.

The problems are recipes and an ill-conditioned quadratic, tuned over the same small grid of learning rates for all.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ddtrain.bench import machine
from ddtrain.bench.choices import choose
from ddtrain.bench.optimizers import report, runs, updates
from ddtrain.bench.optimizers.problems import PROBLEMS
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError, quoted
from ddtrain.optim import OPTIMIZERS, BatchMethod
from ddtrain.trainer.atomic_files import write_json

_NONE = "none"  # of --recipes


@dataclass(frozen=True)
class Options:
    """What to measure."""

    what: str = ""
    """Names of optimizers, separated by commas; empty: all of them."""
    recipes: str = "digits_mlp,fashion_cnn,quadratic"
    """What they train, separated by commas; none: only the costs of updates."""
    grid: str = "0.1,0.3,1,3"
    """Learning rates to try, as factors of each optimizer's default one, separated by commas."""
    steps: int = 10
    """Steps of each run, few for a first look; 0: whole runs, 10 epochs of digits_mlp, one of fashion_cnn, 1000 steps
    of quadratic.
    """
    elements: int = 4_000_000
    """Numbers in the vectors whose update is timed; more than the caches hold."""
    repeats: int = 15
    """Measurements of each update; 0: no costs of updates."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    backend: str = "auto"
    """As of the other benchmarks, but this one is for a single rank."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print the tables.

    Raises
    ------
    UsageError : an optimizer or recipe there is not, a number out of range, or more than one rank
    DataError : the JSON file cannot be written
    """
    if comm.size > 1:
        raise UsageError(f"bench optimizers is for one rank, not {comm.size}", remedy="Start it without mpirun.")
    for name, least in (("steps", 0), ("elements", 1), ("repeats", 0)):
        if getattr(options, name) < least:
            raise UsageError(f"--{name} {getattr(options, name)} is out of range", remedy=f"Give {least} or more.")
    optimizers = choose("optimizer", options.what, OPTIMIZERS)
    problems = choose("recipe", options.recipes, PROBLEMS) if options.recipes.strip() != _NONE else []
    grid = parse_grid(options.grid)
    if not problems and not options.repeats:
        raise UsageError("--recipes none and --repeats 0 leave nothing to measure", remedy="Give one of them.")
    timed = by_gradient(optimizers)
    result: dict[str, Any] = {
        "benchmark": "optimizers",
        "machine": machine.facts(),
        "grid": grid,
        "elements": options.elements,
        "problems": {name: runs.measure(comm, name, optimizers, grid, options.steps) for name in problems},
        "updates": updates.measure(timed, options.elements, options.repeats) if options.repeats else {},
    }
    report.show(result)
    if options.json:
        write_json(options.json, result)


def by_gradient(optimizers: Iterable[str]) -> list[str]:
    """Those whose update is one pass over the vectors, given a gradient.

    >>> by_gradient(["adam", "lbfgs"])
    ['adam']
    """
    return [name for name in optimizers if not issubclass(OPTIMIZERS[name], BatchMethod)]


def parse_grid(text: str) -> list[float]:
    """Factors, ascending.

    Raises
    ------
    UsageError : no numbers, or one that is not above 0

    >>> parse_grid("1, 0.3,3")
    [0.3, 1.0, 3.0]
    """
    try:
        factors = sorted({float(part) for part in text.split(",")})
    except ValueError:
        factors = [math.nan]
    if not all(0 < factor < math.inf for factor in factors):
        raise UsageError(
            f"--grid {quoted(text)} is no list of finite numbers above 0", remedy="Write --grid 0.1,0.3,1,3."
        )
    return factors
