"""The figures of ``bench comm`` as a table and as a picture."""

from __future__ import annotations

from typing import Any

from ddtrain import colors
from ddtrain.bench import plots
from ddtrain.bench.text_tables import machine_lines, print_table

_WAYS = {  # for each contestant: its label, line style, colour
    "ours": ("ddtrain", "o-", colors.OURS),
    "messages": ("ddtrain by messages", "o--", colors.MESSAGES),
    "mpi": ("MPI Allreduce", "s-", colors.MPI),
    "mpi_nonblocking": ("MPI Iallreduce", "s--", colors.MPI),
    "gloo": ("gloo", "^-", colors.PEER),
    "copy": ("copy limit", ":", colors.CEILING),
}


def show(result: dict[str, Any]) -> None:
    """Print a row for every size: microseconds, and how many times as long as ours the others take."""
    ways = _ways(result)
    heads = [f"{_WAYS[way][0]} µs" for way in ways] + ["q1..q3 of ours"]
    heads += [f"{_WAYS[way][0]} / ours" for way in ways if way not in ("ours", "copy")] + ["ours / limit"]
    rows = []
    for nbytes, row in result["sizes"].items():
        cells = [size_text(int(nbytes)), *(f"{row[f'{way}_us']['median']:.1f}" for way in ways)]
        cells.append(f"{row['ours_us']['q1']:.1f}..{row['ours_us']['q3']:.1f}")
        cells += [f"{row[f'{way}_ratio']['median']:.2f}" for way in ways if way not in ("ours", "copy")]
        rows.append([*cells, f"{1 / row['copy_ratio']['median']:.2f}"])
    print_table(["bytes"], heads, rows, _caption(result))


def _ways(result: dict[str, Any]) -> list[str]:
    row = next(iter(result["sizes"].values()))
    return [way for way in _WAYS if f"{way}_us" in row]


def size_text(nbytes: int) -> str:
    """Bytes for people.

    >>> size_text(4), size_text(65536), size_text(13 << 20)
    ('4 B', '64 KB', '13 MB')
    """
    for unit, factor in (("MB", 1 << 20), ("KB", 1 << 10)):
        if nbytes >= factor:
            return f"{nbytes / factor:g} {unit}"
    return f"{nbytes} B"


def _caption(result: dict[str, Any]) -> str:
    cores, ranks = result["machine"]["cores"], result["ranks"]
    lines = [
        f"sum of float32 over {ranks} ranks, backend {result['backend']}; medians",
        "ddtrain: in the node's shared memory; by messages: as between nodes",
        "copy limit: a NumPy copy of the bytes that a sum through shared memory has to move, by all ranks at once",
    ]
    if ranks > cores:
        lines.append(f"{ranks} ranks share {cores} cores: what spins while it waits keeps others from working")
    return "\n".join([*lines, *machine_lines(result["machine"])])


def plot(result: dict[str, Any], file: str) -> None:
    """Time over size on logarithmic axes, and beside it the others' time over ours."""
    figure, ((left, right),) = plots.axes(1, 2, width=5.5, height=4.2)
    sizes, rows = [int(nbytes) for nbytes in result["sizes"]], list(result["sizes"].values())
    for way in _ways(result):
        words, line, colour = _WAYS[way]
        figures = [row[f"{way}_us"] for row in rows]
        left.loglog(sizes, [f["median"] for f in figures], line, color=colour, label=words, ms=4)
        left.fill_between(sizes, [f["q1"] for f in figures], [f["q3"] for f in figures], color=colour, alpha=0.15)
        if way != "ours":
            right.semilogx(
                sizes, [row[f"{way}_ratio"]["median"] for row in rows], line, color=colour, label=words, ms=4
            )
    right.axhline(1, color=colors.OURS)
    right.set_yscale("log", base=2)
    right.yaxis.set_major_formatter("{x:g}")
    left.set_ylabel("µs")
    right.set_ylabel("time over ddtrain's")
    for axis in (left, right):
        axis.set_xlabel("bytes")
        named = sizes[:: -(-len(sizes) // 5)]  # at most about five tick labels, or they overlap
        axis.set_xticks(named, [size_text(n) for n in named])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.suptitle(f"sum over {result['ranks']} ranks, {result['machine']['cpu']}", fontsize=10)
    plots.save(figure, file)
