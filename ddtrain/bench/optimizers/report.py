"""The figures of ``bench optimizers`` as tables for people."""

from __future__ import annotations

import math
from typing import Any

from ddtrain.bench.text_tables import machine_lines, print_table

Table = tuple[list[str], list[list[str]], list[str]]  # heads, rows, and the lines below


def show(result: dict[str, Any]) -> None:
    """A table of each problem, the lowest loss first, one of what updates cost, and where they were measured."""
    tables = [_losses(name, problem, result["grid"]) for name, problem in result["problems"].items()]
    if result["updates"]:
        tables.append(_updates(result["updates"], result["elements"]))
    tables[-1][2].extend(machine_lines(result["machine"]))
    for heads, rows, lines in tables:
        print_table(["optimizer"], heads, rows, "\n".join(lines))


def _losses(name: str, problem: dict[str, Any], grid: list[float]) -> Table:
    rows = []
    for optimizer, row in sorted(problem["optimizers"].items(), key=lambda item: _loss(item[1])):
        best, step = row["best"], row["step_ms"]
        found = [f"{best['lr']:g}", f"{best['factor']:g}", f"{best['loss']:.4g}"] if best else ["-", "-", "diverged"]
        rows.append([optimizer, *found, f"{step['median']:.3f}", f"{step['q1']:.3f}..{step['q3']:.3f}"])
    lines = [
        f"{name}: {problem['about']}",
        f"loss: of the evaluation after {problem['steps']} steps at a constant rate",
        f"best lr: of {', '.join(f'{factor:g}' for factor in grid)} times the default",
    ]
    return ["best lr", "× default", "loss", "ms a step", "q1..q3"], rows, lines


def _loss(row: dict[str, Any]) -> float:
    return float(row["best"]["loss"]) if row["best"] else math.inf


def _updates(updates: dict[str, Any], elements: int) -> Table:
    rows = []
    for optimizer, row in updates.items():
        update, ratio = row["update_ms"], row["ratio"]
        cells = [f"{row['moved_bytes'] / 1e6:.1f}", f"{update['median']:.3f}"]
        cells += [f"{update['q1']:.3f}..{update['q3']:.3f}", f"{row['copy_ms']['median']:.3f}"]
        rows.append([optimizer, *cells, f"{ratio['median']:.2f}", f"{ratio['limit']:.2f}"])
    lines = [
        f"updates of {elements} float32 numbers, and a NumPy copy of as many bytes; by turns",
        "MB: values, gradients and state read once, values and state written once",
    ]
    return ["MB", "update ms", "q1..q3", "copy ms", "update/copy", "limit"], rows, lines
