"""The figures of ``bench ops`` as tables for people."""

from __future__ import annotations

from typing import Any

from ddtrain.bench.text_tables import machine_lines, print_table


def print_programs(result: dict[str, Any], others: list[str]) -> None:
    """Microseconds of every program: medians and quartiles, beside the peers'."""
    heads = ["bound by", "ours µs", "q1..q3"]
    for other in others:
        heads += [f"{other} µs", "q1..q3", f"ours/{other}", "limit"]
    rows = []
    for name, row in result["programs"].items():
        cells = [name, row["about"], row["bound"], *_spread(row["ours_us"])]
        for other in others:
            ratio = row[f"{other}_ratio"]
            cells += [*_spread(row[f"{other}_us"]), f"{ratio['median']:.2f}", f"{ratio['limit']:.2f}"]
        rows.append(cells)
    legend = "forward + backward; bound by: arrays so small that Python's overhead counts, or NumPy's arithmetic"
    _print(["program", "sizes"], heads, rows, legend, result)


def print_scaling(result: dict[str, Any]) -> None:
    """Microseconds and bytes a node of every chain."""
    heads = ["nodes", "forward µs", "backward µs", "ratio", "limit", "free µs", "held B", "peak B", "left B in all"]
    rows = []
    for row in result["chains"]:
        times = [f"{row[f'{part}_us']['median']:.2f}" for part in ("forward", "backward", "free")]
        ratio = row["backward_ratio"]
        cells = [row["step"], str(row["nodes"]), times[0], times[1], f"{ratio['median']:.2f}", f"{ratio['limit']:.2f}"]
        cells += [times[2], *(f"{row[f'{part}_bytes']:.0f}" for part in ("held", "peak", "left"))]
        rows.append(cells)
    _print(["step"], heads, rows, "all but the last column a node; ratio: backward to forward", result)


def _spread(figures: dict[str, float]) -> tuple[str, str]:
    return f"{figures['median']:.1f}", f"{figures['q1']:.1f}..{figures['q3']:.1f}"


def _print(left: list[str], right: list[str], rows: list[list[str]], legend: str, result: dict[str, Any]) -> None:
    print_table(left, right, rows, "\n".join([legend, *machine_lines(result["machine"])]))
