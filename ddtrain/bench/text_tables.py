"""Figures as tables for people."""

from __future__ import annotations

import sys
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ddtrain.standard_output import say

LEAST_COLUMNS = 200  # assumed width where the terminal is narrower, which then wraps the lines
NONE = "–"  # in a cell without a figure
_WIDEST = 1000  # widest table, so that no number is ever cut


def print_step(result: dict[str, Any]) -> None:
    """The result of ``bench step`` on standard output: medians, and quartiles of the step."""
    peers, rows = result["peers"], result["workloads"]
    heads = ["batch", "step ms", "q1..q3", "eager ms", "forward", "backward", "wait", "own µs", "samples/s"]
    heads += [text for peer in peers for text in (f"{peer} ms", f"ours/{peer}")]
    measured = [name for name in ("ours", *peers) if any(name in row.get("memory_mb", {}) for row in rows.values())]
    heads += [f"{name} MB" for name in measured]
    cells = [[name, row["about"], *_cells(row, peers), *_memory(row, measured)] for name, row in rows.items()]
    print_table(["workload", "sizes"], heads, cells, _caption(result))


def print_table(left: list[str], right: list[str], rows: list[list[str]], caption: str) -> None:
    """Rows under headings, the first ones left-justified, on standard output."""
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
    for head in left:
        table.add_column(head)
    for head in right:
        table.add_column(head, justify="right")
    for cells in rows:
        table.add_row(*cells)
    wanted = Console(width=_WIDEST).measure(table).maximum
    show(table, columns=wanted)


def show(*parts: Any, columns: int) -> None:
    """Lines and tables on standard output, at least so wide."""
    console = Console(width=max(Console().width, columns))
    with console.capture() as shown:
        for part in parts:
            console.print(part, highlight=False)
    say(shown.get(), sys.stdout)


def progress(text: str) -> None:
    """A line about the progress of a measurement."""
    say(f"{text}\n", sys.stderr)


def _cells(row: dict[str, Any], peers: list[str]) -> list[str]:
    step, own = row["step_ms"], row["own_us"]
    limit = f" (limit {own['limit']:.0f})" if "limit" in own else ""
    times = [f"{row[f'{part}_ms']['median']:.3f}" for part in ("eager", "forward", "backward", "wait")]
    return [
        str(row["batch"]),
        f"{step['median']:.3f}",
        f"{step['q1']:.3f}..{step['q3']:.3f}",
        *times,
        f"{own['median']:.0f}{limit}",
        f"{row['samples_per_s']:.0f}",
        *(text for peer in peers for text in _beside(row, peer)),
    ]


def _beside(row: dict[str, Any], peer: str) -> tuple[str, str]:
    if peer in row["left_out"]:
        return NONE, NONE
    return f"{row[f'{peer}_ms']['median']:.3f}", f"{row[f'{peer}_ratio']:.2f}"


def _memory(row: dict[str, Any], measured: list[str]) -> list[str]:
    found = row.get("memory_mb", {})
    return [f"{found[name]['step']:.1f}" if name in found else NONE for name in measured]


def _caption(result: dict[str, Any]) -> str:
    machine, ranks = result["machine"], result["ranks"]
    lines = [
        "batch: samples a rank; own: step minus its forward and backward, step by step; wait: for the reduction",
        f"{ranks} rank(s), {result['backend']}",
        *machine_lines(machine),
    ]
    reasons = {(peer, why): None for row in result["workloads"].values() for peer, why in row["left_out"].items()}
    lines += [f"{NONE}: {why}" for _, why in reasons]
    if any("memory_mb" in row for row in result["workloads"].values()):
        lines.append("MB: peak of a step in a process of its own, with parameters, gradients and momentum")
    if ranks > machine["cores"]:
        lines.append(f"{ranks} ranks share {machine['cores']} cores: these times say nothing about scaling")
    return "\n".join(lines)


def machine_lines(machine: dict[str, Any]) -> list[str]:
    """Where the figures were measured, as lines under a table."""
    threads = ", ".join(f"{name}={value}" for name, value in machine["blas_threads"].items())
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return [f"{machine['cores']} cores of {machine['cpu']}; {machine['blas']}", f"{versions}; {threads}"]
