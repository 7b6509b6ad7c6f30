"""The figures of ``bench predict`` as tables and as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import colors
from ddtrain.bench import plots
from ddtrain.bench.comm.report import size_text
from ddtrain.bench.text_tables import machine_lines, print_table

LIMIT_PERCENT = 10.0  # largest error of a prediction that the README promises


def show(result: dict[str, Any]) -> None:
    """Print the curve, what it says, and how far it is from what was run."""
    heads = ["samples/s", "efficiency", "step ms", "compute", "handling", "in trace", "exposed", "agreeing"]
    heads += ["communication", "bucket to take", "step ms with it"]
    names = ("step", "compute", "handling", "in_trace", "exposed", "agreed", "communication")
    rows = []
    for ranks, row in result["ranks"].items():
        cells = [ranks, f"{row['samples_per_s']:.0f}", f"{row['efficiency']:.3f}"]
        cells += [f"{row[f'{name}_ms']:.3f}" for name in names]
        rows.append([*cells, size_text(row["best_bucket_bytes"]), f"{row['best_step_ms']:.3f}"])
    print_table(["ranks"], heads, rows, _caption(result))
    if result["validated"]:
        _show_validated(result)


def _show_validated(result: dict[str, Any]) -> None:
    rows = []
    for ranks, row in result["validated"].items():
        step = row["measured_ms"]
        cells = [f"{step['median']:.3f}", f"{step['q1']:.3f}..{step['q3']:.3f}", f"{row['predicted_ms']:.3f}"]
        cores = result["machine"]["cores"]
        rows.append(
            [ranks + "*" * (int(ranks) > cores), *cells, f"{row['error_percent']:+.1f}", f"{LIMIT_PERCENT:.0f}"]
        )
    caption = "step ms, run on this machine, and as predicted from moments and sums measured with as many processes"
    if any(int(ranks) > result["machine"]["cores"] for ranks in result["validated"]):
        caption += f"\n*: more ranks than the {result['machine']['cores']} cores"
    print_table(["ranks"], ["measured", "q1..q3", "predicted", "error %", "limit"], rows, caption)


def _caption(result: dict[str, Any]) -> str:
    batch = "each rank has" if result["mode"] == "weak" else "the ranks share"
    return "\n".join(
        [
            f"{result['subject']} ({result['about']}), {result['mode']} scaling: {batch} a batch of {result['batch']};"
            f" network {result['network']}; buckets of {size_text(result['bucket_bytes'])}",
            "handling: what sums take from computing; in trace: the model's own collectives; exposed: after backward;",
            "agreeing: on what rank 0 decides; communication: with nothing to hide it",
            *_handling_lines(result["handling"]),
            *_takeover_lines(result),
            *machine_lines(result["machine"]),
        ]
    )


def _handling_lines(handling: dict[str, dict[str, float]]) -> list[str]:
    words = {"inside": "in a node's memory", "messages": "by messages"}
    costs = [
        f"{words[way]} {1e6 * (cost['launch_s'] + cost['latency_s']):.1f} µs + {1e9 * cost['s_per_byte']:.3f} ns a byte"
        for way, cost in handling.items()
    ]
    return [f"a sum over two ranks here takes {' and '.join(costs)}"]


def _takeover_lines(result: dict[str, Any]) -> list[str]:
    found = result["takeover"]
    at = f"{found['at_ranks']} ranks"
    return [
        f"communication takes as long as computing {_from(found['ranks_equal'], 'ranks')};"
        f" efficiency is below 0.5 {_from(found['ranks_half'], 'ranks')}",
        f"on {at}, computing takes longer {_from(found['batch_equal'], 'samples a rank')};"
        f" efficiency is 0.5 {_from(found['batch_half'], 'samples a rank')}"
        if result["mode"] == "weak"
        else f"on {at}, computing takes longer {_from(found['batch_equal'], 'samples')};"
        f" efficiency is 0.5 {_from(found['batch_half'], 'samples')}",
    ]


def _from(number: int | None, unit: str) -> str:
    return f"from {number} {unit} on" if number else "never"


def plot(result: dict[str, Any], file: str) -> None:
    """Efficiency and throughput over ranks, with what was measured as points."""
    figure, ((left, right),) = plots.axes(1, 2, width=5.5, height=4.2)
    sizes, rows = [int(ranks) for ranks in result["ranks"]], list(result["ranks"].values())
    one = result["batch"] / result["step_ms"] * 1e3
    run = {int(ranks): row for ranks, row in result["validated"].items()}
    left.plot(sizes, [row["efficiency"] for row in rows], "-", color=colors.OURS, label="predicted")
    best = [row["efficiency"] * row["step_ms"] / row["best_step_ms"] for row in rows]
    left.plot(sizes, best, ":", color=colors.OURS, label="with the best bucket")
    right.plot(sizes, [row["samples_per_s"] for row in rows], "-", color=colors.OURS, label="predicted")
    right.plot(sizes, [n * one for n in sizes], ":", color=colors.CEILING, label="ranks × one rank")
    if run:
        rates = [row["samples_per_s"] for row in run.values()]
        guesses = [row["samples_per_s"] * row["measured_ms"]["median"] / row["predicted_ms"] for row in run.values()]
        alone = run[1]["samples_per_s"] if 1 in run else one
        for axis, scale in ((left, [n * alone for n in run]), (right, [1.0] * len(run))):
            axis.plot([*run], np.divide(guesses, scale), "x", color=colors.CEILING, label="predicted here")
            axis.plot([*run], np.divide(rates, scale), "o", color=colors.PEER, mfc="none", label="measured here")
    left.axhline(0.5, color="0.7", lw=0.8)
    left.set_ylim(0, 1.05)
    left.set_ylabel("efficiency")
    right.set_yscale("log")
    right.set_ylabel("samples/s")
    every = sorted({*sizes, *run})
    for axis in (left, right):
        plots.ranks_axis(axis, every)
        axis.tick_params(axis="x", labelsize=7)
        axis.legend(fontsize=8)
    title = f"{result['subject']}, {result['mode']} scaling, batch {result['batch']}, network {result['network']}"
    figure.suptitle(title, fontsize=10)
    plots.save(figure, file)
