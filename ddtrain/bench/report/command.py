"""``bench report RUN``: where the steps of a traced run went, who is slow, and how much communication was hidden."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from ddtrain.bench import plots
from ddtrain.bench.report import figures, gantt
from ddtrain.bench.text_tables import LEAST_COLUMNS, show
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.trainer.atomic_files import write_json


@dataclass(frozen=True)
class Options:
    """Which run, and what to make of it."""

    run: str = ""
    """Directory of a run that was started with --debug.trace."""
    json: str = ""
    """File for all figures."""
    plot: str = ""
    """File for a picture of one step (.png, .svg, .pdf); needs matplotlib."""
    step: int = 0
    """The step in the picture; 0: the one whose time is the median."""


def run(comm: Communicator, options: Options) -> None:
    """Read RUN/trace.json and RUN/metrics.jsonl, and print. One process is enough, and no MPI.

    Raises
    ------
    UsageError : there is no trace, or no such step in it, or no such picture can be made
    DataError : it cannot be read, or a file not be written
    """
    plots.check(options.plot)
    if not options.run:
        raise UsageError("bench report needs the directory of a run", remedy="Write bench report RUN.")
    trace = figures.read(Path(options.run))
    if options.step and options.step not in trace.steps:
        there = ", ".join(map(str, trace.steps))
        raise UsageError(f"--step {options.step} is not in {trace.path}", remedy=f"There are {there}.")
    found = figures.figures(trace)
    if options.plot:
        gantt.save(trace, options.step or _usual_step(trace), options.plot)
    if options.json:
        write_json(options.json, {"benchmark": "report", "run": options.run, **found})
    _print(found)


def _usual_step(trace: figures.Trace) -> int:
    longest = {n: max(rank.ms("step") for rank in ranks) for n, ranks in trace.steps.items()}
    return sorted(longest, key=lambda n: longest[n])[len(longest) // 2]


def _print(found: dict[str, Any]) -> None:
    buckets = [_buckets(found)] if found["buckets"] else []
    show(*_summary(found), _ranks(found), *buckets, columns=LEAST_COLUMNS)


def _summary(found: dict[str, Any]) -> list[str]:
    first, last, rates = found["steps"][0], found["steps"][-1], found["samples_per_s"]
    lines = [
        f"{found['recipe']} on {found['ranks_in_all']} rank(s) ({found['backend']}), steps {first} to {last}:"
        f" {found['step_ms']:.3f} ms a step"
    ]
    if rates["traced"] is not None:
        others = f", {rates['others']:.0f} in all others" if rates["others"] is not None else ""
        lines.append(f"samples/s: {rates['traced']:.0f} in these steps{others}")
    flight = found["communication"]
    if flight["hidden_share"] is not None:
        lines.append(
            f"communication: {flight['bytes_a_step']:,} bytes a step, {flight['in_flight_ms']:.3f} ms in flight,"
            f" {flight['hidden_share']:.0%} of it hidden behind backward"
        )
    return [*lines, _straggler(found)] if found["ranks_in_all"] > 1 else lines


def _straggler(found: dict[str, Any]) -> str:
    slow, steps = found["slow"], len(found["steps"])
    if slow is None:
        return f"no rank is the slowest in most steps (of {steps})"
    return (
        f"rank {slow['rank']} is the slowest: it computes longest in {slow['longest_in_steps']} of {steps} steps,"
        f" by {slow['longer_by_ms']:.3f} ms or {slow['longer_by_share']:.0%} (median)"
    )


def _ranks(found: dict[str, Any]) -> Table:
    legend = (
        "median ms a step; in model: collectives within forward and backward; sum: adding, within backward or wait\n"
        "compute: forward and backward without these; exposed: wait, and collectives in the model\n"
        "last ready: steps in which backward ended last on this rank, and how long after the others (median ms)\n"
        f"clocks of ranks agree to {found['clock_error_us']} µs or better"
    )
    table = Table(box=box.SIMPLE_HEAD, caption=legend, caption_justify="left")
    table.add_column("rank")
    heads = ["data", "forward", "backward", "in model", "sum", "wait", "decide", "update", "log", "compute", "exposed"]
    for head in [*heads, "last ready", "by"]:
        table.add_column(head, justify="right")
    for row in found["ranks"]:
        parts = ["data", "forward", "backward", "model", "sum", "wait", "decide", "update", "log", "compute", "exposed"]
        by = row["last_ready_by_ms"]
        table.add_row(
            f"{row['rank']} ({row['host']})",
            *(f"{row[f'{part}_ms']:.3f}" for part in parts),
            f"{row['last_ready_steps']} of {len(found['steps'])}",
            "" if by is None else f"{by:.3f}",
        )
    return table


def _buckets(found: dict[str, Any]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="from its launch until it was seen to be done", title_justify="left")
    for head in ("bucket", "bytes", "in flight ms", "longest", "hidden"):
        table.add_column(head, justify="right")
    for row in found["buckets"]:
        hidden = "" if row["hidden_share"] is None else f"{row['hidden_share']:.0%}"
        times = f"{row['flight_ms']:.3f}", f"{row['longest_ms']:.3f}"
        table.add_row(str(row["index"]), f"{row['bytes']:,}", *times, hidden)
    return table
