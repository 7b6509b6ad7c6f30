"""The figures of ``bench scaling`` as a table and as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from ddtrain import colors
from ddtrain.bench import plots
from ddtrain.bench.peers.registry import ON_RANKS
from ddtrain.bench.text_tables import machine_lines, print_table

_BARS = {  # for each part of a step: its label and colour
    "data": ("data", colors.DATA),
    "forward": ("forward", colors.TRAINING),
    "backward": ("backward", colors.GRADIENT),
    "wait": ("exposed communication", colors.COMMUNICATION),
    "update": ("update", colors.UPDATE),
    "other": ("decision, log and other", colors.OTHER),
}


def show(result: dict[str, Any]) -> None:
    """Print a row for every subject and number of ranks."""
    others = result["peers"]
    heads = ["ranks", "batch", "samples/s", "q1..q3", "of 1 rank", "of null", "step ms"]
    parts = _parts(result)
    heads += [*(_short(part) for part in parts), "waiting ms a rank", "slow", "reduced KB", "in trace"]
    for peer in others:
        heads += [f"{peer} samples/s", f"ours/{peer}"]
    rows = []
    for name, subject in result["subjects"].items():
        for ranks, row in subject["sizes"].items():
            rows.append([name, *_cells(ranks, row, parts, others)])
    print_table(["subject"], heads, rows, _caption(result))


def _parts(result: dict[str, Any]) -> list[str]:
    known = next(iter(next(iter(result["subjects"].values()))["sizes"].values()))["parts_ms"]
    return [part for part in _BARS if part in known]


def _short(part: str) -> str:
    return "exposed" if part == "wait" else part


def _cells(ranks: str, row: dict[str, Any], parts: list[str], others: list[str]) -> list[str]:
    rate = row["samples_per_s"]
    cells = [
        ranks + "*" * row["oversubscribed"],
        str(row["batch"]),
        f"{rate['median']:.0f}",
        f"{rate['q1']:.0f}..{rate['q3']:.0f}",
        f"{row['efficiency']:.2f}",
        f"{row['null_ratio']['median']:.3f}",
        f"{row['step_ms']:.3f}",
        *(f"{row['parts_ms'][part]:.3f}" for part in parts),
        " ".join(f"{rank['blocked']:.2f}" for rank in row["ranks_ms"]),
        str(row["slowest_rank"]) if len(row["ranks_ms"]) > 1 else "",
        f"{row['gradient_bytes'] / 1e3:.0f}",
        f"{row['trace_calls']}, {row['trace_bytes'] / 1e3:.1f} KB" if row["trace_calls"] else "",
    ]
    for peer in others:
        cells += [f"{row[f'{peer}_samples_per_s']['median']:.0f}", f"{row[f'{peer}_ratio']['median']:.2f}"]
    return cells


def _caption(result: dict[str, Any]) -> str:
    cores, backend = result["machine"]["cores"], result["backend"]
    batch = "each rank has one rank's batch" if result["mode"] == "weak" else "the ranks share one rank's batch"
    lines = [
        f"{result['mode']} scaling: {batch}; backend {backend}; medians of whole turns",
        "of 1 rank: throughput over ranks times that of one; of null: over that of as many processes that never speak",
        "parts of a step: means over ranks; exposed: after backward; waiting: blocked anywhere in communication",
        "slow: the rank that waits least, for which the others wait; in trace: the model's own collectives",
    ]
    if any(row["oversubscribed"] for subject in result["subjects"].values() for row in subject["sizes"].values()):
        lines.append(f"*: more ranks than the {cores} cores, so that at most {cores} ranks' worth of work gets done")
    if "torch" in result["machine"]["versions"]:
        lines.append("torch: DistributedDataParallel over gloo; its batch-norm is not synchronised, ours is")
    return "\n".join([*lines, *machine_lines(result["machine"])])


def plot(result: dict[str, Any], file: str) -> None:
    """A row of three diagrams for every subject: throughput, efficiency, and where a step's time goes."""
    jobs = result["subjects"]
    figure, rows = plots.axes(len(jobs), 3)
    for (name, subject), (left, middle, right) in zip(jobs.items(), rows, strict=True):
        sizes = [int(ranks) for ranks in subject["sizes"]]
        _throughput(left, sizes, list(subject["sizes"].values()), result["machine"]["cores"])
        left.set_title(f"{name}: {subject['about']}", fontsize=9, loc="left")
        _efficiency(middle, sizes, list(subject["sizes"].values()))
        _bars(right, sizes, list(subject["sizes"].values()), _parts(result))
    figure.suptitle(f"{result['mode']} scaling, backend {result['backend']}, {result['machine']['cpu']}", fontsize=10)
    plots.save(figure, file)


def _throughput(axis: Any, sizes: list[int], rows: list[dict[str, Any]], cores: int) -> None:
    one = rows[0]["samples_per_s"]["median"]
    axis.plot(sizes, [n * one for n in sizes], ":", color=colors.CEILING, label="ranks × one rank")
    axis.plot(sizes, _medians(rows, "null_samples_per_s"), "--", color=colors.CEILING, label="null ceiling")
    rates = _medians(rows, "samples_per_s")
    q1, q3 = ([row["samples_per_s"][q] for row in rows] for q in ("q1", "q3"))
    spread = np.abs(np.array([q1, q3]) - rates)
    axis.errorbar(sizes, rates, spread, fmt="o-", color=colors.OURS, capsize=3, label="ddtrain")
    for peer in ON_RANKS:
        if f"{peer}_samples_per_s" in rows[0]:
            axis.plot(sizes, _medians(rows, f"{peer}_samples_per_s"), "s-", color=colors.PEER, label=peer)
    plots.ranks_axis(axis, sizes)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("samples/s")
    if sizes[-1] > cores:
        axis.axvspan(cores, sizes[-1], color="0.93", zorder=0)
        axis.annotate("more ranks than cores", (sizes[-1], 0), (-2, 3), textcoords="offset points", ha="right", size=7)
    axis.legend(fontsize=7)


def _medians(rows: list[dict[str, Any]], name: str) -> list[float]:
    return [row[name]["median"] for row in rows]


def _efficiency(axis: Any, sizes: list[int], rows: list[dict[str, Any]]) -> None:
    axis.plot(sizes, _medians(rows, "null_ratio"), "o-", color=colors.OURS, label="of the null ceiling")
    axis.plot(sizes, [row["efficiency"] for row in rows], "o--", color=colors.CEILING, label="of one rank")
    axis.axhline(1, color="0.7", lw=0.8)
    plots.ranks_axis(axis, sizes)
    axis.set_ylim(0, 1.25)
    axis.set_ylabel("efficiency")
    axis.legend(fontsize=7, loc="lower left")


def _bars(axis: Any, sizes: list[int], rows: list[dict[str, Any]], parts: list[str]) -> None:
    """Stacked, a bar a rank: ranks of one size side by side."""
    places = [(i + (rank + 1) / (n + 1) - 0.5, n, rank) for i, n in enumerate(sizes) for rank in range(n)]
    below = [0.0] * len(places)
    for part in parts:
        words, colour = _BARS[part]
        heights = [max(rows[sizes.index(n)]["ranks_ms"][rank][part], 0.0) for _, n, rank in places]
        widths = [0.8 / (n + 1) for _, n, _ in places]
        axis.bar([x for x, _, _ in places], heights, widths, bottom=below, color=colour, label=words)
        below = [a + b for a, b in zip(below, heights, strict=True)]
    axis.set_xticks(range(len(sizes)), [f"{n}" for n in sizes])
    axis.set_xlabel("ranks (a bar each)")
    axis.set_ylabel("ms a step")
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)  # beside the bars, not on them
