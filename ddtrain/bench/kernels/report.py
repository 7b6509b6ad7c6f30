"""The figures of ``bench kernels`` as a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain.bench.text_tables import NONE, machine_lines, print_table


def show(result: dict[str, Any]) -> None:
    """Print a row for every kernel and shape."""
    heads = ["µs", "q1..q3", "reaches", "bound", "share"]
    heads += [text for peer in result["peers"] for text in (f"{peer} µs", f"ours/{peer}")]
    rows = [[row["kernel"], row["shape"], row["source"], *_cells(row, result["peers"])] for row in result["kernels"]]
    print_table(["kernel", "shape", "in"], heads, rows, _caption(result))


def _cells(row: dict[str, Any], peers: list[str]) -> list[str]:
    cells = [
        f"{row['us']['median']:.1f}",
        f"{row['us']['q1']:.1f}..{row['us']['q3']:.1f}",
        f"{row['rate']:.1f} {row['unit']}",
        f"{row['bound']:.1f}",
        f"{row['share']:.0%}",
    ]
    for peer in peers:
        there = f"{peer}_us" in row
        cells += [f"{row[f'{peer}_us']['median']:.1f}", f"{row[f'{peer}_ratio']:.2f}"] if there else [NONE, NONE]
    return cells


def _caption(result: dict[str, Any]) -> str:
    peaks = [row["bound"] for row in result["kernels"] if row["unit"] == "GFLOP/s"]
    measured = [f"copy of what no cache holds: {result['copy_gb_s']:.1f} GB/s, read and written"]
    if peaks:
        measured.insert(0, f"product of large matrices: {float(np.median(peaks)):.1f} GFLOP/s")
    return "\n".join(
        [
            "bound: by turns with the kernel, a product of large matrices, or a copy that moves as many bytes",
            "medians; arithmetic as the definition has it, bytes read and written at least",
            "; ".join(measured),
            *machine_lines(result["machine"]),
        ]
    )
