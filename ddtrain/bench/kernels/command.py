"""``bench kernels``: what each kernel reaches of the machine's arithmetic or memory, and how long PyTorch's takes.

Beside every kernel, by turns, stands what bounds it: a large product of matrices, which is as fast as arithmetic gets
here, or a copy of as many bytes as the kernel moves (Note [Least work]).

Note [Processor time]
Seconds are those of the processor, not of the clock on the wall: kernels are short and run on one thread, so that what
others do on the machine meanwhile need not count. All threads of the process do: should a kernel start some, it looks
slower, not faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from ddtrain.bench import choices, machine, text_tables
from ddtrain.bench.kernels import passes, products, pytorch, report, sequences
from ddtrain.bench.kernels.case import Case, Family
from ddtrain.bench.peers import registry
from ddtrain.bench.peers.pytorch_models import torch
from ddtrain.bench.timing import Contestant, alternate, quartiles
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import write_json

FAMILIES: dict[str, Family] = {**products.FAMILIES, **sequences.FAMILIES, **passes.FAMILIES}
PEERS = ("torch",)
_PEAK = 768  # rows and columns of the product that stands for the peak
_LARGE_COPY = 128_000_000  # bytes: more than any cache
_CALL_S = 2e-4  # seconds that a measurement takes at least, so that the clock's own time does not count
_MOST_CALLS = 10_000  # in a measurement
_CASE_S, _FEWEST = 1.0, 3  # seconds that one case should take at most, as long as it is measured so many times
_AGREEMENT, _DRAWN = 1e-3, 0.1  # of the sums of squares of two results, and of random ones


@dataclass(frozen=True)
class Options:
    """What to measure."""

    what: str = ""
    """Families of kernels, separated by commas: conv, linear, attention, recurrent, batch_norm, layer_norm,
    activation, softmax, dropout, embedding, column_sums, pool, updates; empty: all of them.
    """
    repeats: int = 20
    """Measurements of each kernel, fewer of those that take longer than a twentieth of a second, but 3."""
    peers: str = ""
    """Whose kernels to measure too, by turns: torch, if it is installed, on one thread."""
    json: str = ""
    """File for all figures, with quartiles and the machine's facts."""
    backend: str = "auto"
    """As of the other benchmarks, but this one is for a single rank."""


def run(comm: Communicator, options: Options) -> None:
    """Measure, and print the table.

    Raises
    ------
    UsageError : a family or peer there is not, a number out of range, or more than one rank
    DataError : the JSON file cannot be written
    """
    if comm.size > 1:
        raise UsageError(f"bench kernels is for one rank, not {comm.size}", remedy="Start it without mpirun.")
    if options.repeats < 1:
        raise UsageError(f"--repeats {options.repeats} is out of range", remedy="Give 1 or more.")
    families = choices.choose("family of kernels", options.what, FAMILIES)
    others = registry.named(options.peers, PEERS)
    rows = [measure(case, options.repeats, bool(others)) for case in _cases(families)]
    result = {
        "benchmark": "kernels",
        "machine": machine.facts(*registry.packages(others)),
        "peers": others,
        "copy_gb_s": round(_copy_rate(options.repeats), 2),
        "kernels": rows,
    }
    report.show(result)
    if options.json:
        write_json(options.json, result)


def _cases(families: list[str]) -> Iterator[Case]:
    for family in families:
        text_tables.progress(f"{family} ...")
        yield from FAMILIES[family]()


def measure(case: Case, repeats: int, beside_torch: bool) -> dict[str, Any]:
    """A kernel's time, what it comes to, and its share of what bounds it; with PyTorch's time beside it.

    Raises
    ------
    CannotRun : as :func:`twin_of`
    """
    contestants: dict[str, Callable[[], Any]] = {"ours": case.call, "bound": _bound(case)}
    if beside_torch := beside_torch and case.kernel in pytorch.TWINS:
        contestants["torch"] = twin_of(case)
    started = process_time()
    timed = [_timed(name, call) for name, call in contestants.items()]  # calls each of them twice
    enough = int(2 * _CASE_S / (process_time() - started + _CALL_S))
    seconds = alternate(timed, min(repeats, max(_FEWEST, enough)), barrier=lambda: None)
    work, bound_work = (case.flops, 2.0 * _PEAK**3) if case.flops else (case.nbytes, case.nbytes)
    rate, bound = (float(np.median(w / seconds[name])) / 1e9 for name, w in (("ours", work), ("bound", bound_work)))
    row = {
        "kernel": case.kernel,
        "shape": case.shape,
        "source": case.source,
        "unit": "GFLOP/s" if case.flops else "GB/s",
        "rate": round(rate, 3),
        "bound": round(bound, 3),
        "share": round(float(np.median(work / seconds["ours"] / (bound_work / seconds["bound"]))), 4),
        "us": quartiles(seconds["ours"], 1e-6, digits=2),
    }
    if beside_torch:
        row["torch_us"] = quartiles(seconds["torch"], 1e-6, digits=2)
        row["torch_ratio"] = round(float(np.median(seconds["ours"] / seconds["torch"])), 3)
    return row


def twin_of(case: Case) -> Callable[[], Any]:
    """PyTorch's call of the same kernel, on one thread.

    Raises
    ------
    CannotRun : it computes something else
    """
    torch.set_num_threads(1)
    call: Callable[[], Any] = pytorch.TWINS[case.kernel](*case.operands)
    mine, other = pytorch.square_sum(case.call()), pytorch.square_sum(call())
    if not math.isclose(mine, other, rel_tol=_DRAWN if case.drawn else _AGREEMENT):
        raise registry.CannotRun(
            f"torch computes something else than {case.kernel} at {case.shape}: "
            f"the squares of its results add up to {other:.6g}, ours to {mine:.6g}"
        )
    return call


def _timed(name: str, call: Callable[[], Any]) -> Contestant:
    """Seconds a call, of so many calls that the clock's own time does not count."""
    call()
    started = process_time()
    call()
    calls = math.ceil(_CALL_S / max(process_time() - started, _CALL_S / _MOST_CALLS))

    def contestant() -> dict[str, float]:
        started = process_time()
        for _ in range(calls):
            call()
        return {name: (process_time() - started) / calls}

    return contestant


def _bound(case: Case) -> Callable[[], Any]:
    if case.flops:
        a, b, c = (np.full((_PEAK, _PEAK), 0.5, np.float32) for _ in range(3))
        return lambda: np.matmul(a, b, out=c)
    return _copy(int(case.nbytes))


def _copy(nbytes: int) -> Callable[[], Any]:
    """A copy that reads and writes so many bytes together."""
    source = np.full(max(1, nbytes // 8), 0.5, np.float32)
    target = np.zeros_like(source) + 1
    return lambda: np.copyto(target, source)


def _copy_rate(repeats: int) -> float:
    """GB/s of a copy that no cache holds."""
    seconds = alternate([_timed("copy", _copy(_LARGE_COPY))], repeats, barrier=lambda: None)["copy"]
    return _LARGE_COPY / float(np.median(seconds)) / 1e9
