"""A picture of one step of all ranks: what each computes, and below it the buckets that are in flight meanwhile."""

from __future__ import annotations

from typing import Any

from ddtrain import colors
from ddtrain.bench import plots
from ddtrain.bench.report.figures import SUM, Trace, end
from ddtrain.trainer.records.perfetto_trace import BUCKET, COMPUTE, MODEL, Event

_PARTS = ("data", "forward", "backward", "wait", "decide", "update", "log", SUM)
_HEIGHTS = {SUM: 0.35}  # fraction of the lane's height, because it is drawn on top of backward or wait
_IN_MODEL = colors.PARTS["model"]
_MOST_IN_LEGEND = 12  # buckets listed in the legend; when there are more, colours and numbers identify them
_DARK = 1.5  # colours whose red + green + blue is below this get white text
_NUMBERED = 0.015  # fraction of the figure's width from which a bar has room for its number


def save(trace: Trace, step: int, file: str) -> None:
    """Draw one step: time in ms from left to right, a group of lanes for each rank.

    Raises
    ------
    DataError : the file cannot be written
    """
    lanes = _lanes(trace, step)
    figure, ((axes,),) = plots.axes(1, 1, width=12, height=1.4 + 0.34 * len(lanes))
    _draw(figure, axes, trace, step, lanes)
    plots.save(figure, file)


def _lanes(trace: Trace, step: int) -> list[tuple[int, str, list[Event]]]:
    """Rank, label and events of every lane, from the top."""
    lanes = []
    for r, rank in enumerate(trace.steps[step]):
        lanes.append((r, "compute", [event for event in rank.of(COMPUTE) if event["name"] in _PARTS]))
        if rank.of(MODEL):
            lanes.append((r, "in the model", rank.of(MODEL)))
        flights = rank.of(BUCKET)
        for n, tid in enumerate(sorted({event["tid"] for event in flights}), 1):
            lanes.append((r, f"in flight {n}", [event for event in flights if event["tid"] == tid]))
    return lanes


def _draw(figure: Any, axes: Any, trace: Trace, step: int, lanes: list[tuple[int, str, list[Event]]]) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    events = [event for _, _, lane in lanes for event in lane]
    start, stop = min(event["ts"] for event in events), max(end(event) for event in events)
    indices = sorted({event["args"]["index"] for event in events if event["cat"] == BUCKET})
    colour = {n: colormaps["viridis"]((i + 0.5) / len(indices)) for i, n in enumerate(indices)}
    for y, (_, _, lane) in enumerate(lanes):
        for event in lane:
            index = event["args"].get("index")
            face = colour[index] if index is not None else colors.PARTS.get(event["name"], _IN_MODEL)
            left, width = (event["ts"] - start) / 1e3, event["dur"] / 1e3
            height = _HEIGHTS.get(event["name"], 0.9 if event["cat"] == COMPUTE else 0.7)
            axes.barh(y, width, left=left, height=height, color=face, edgecolor="white", linewidth=0.4)
            if index is not None and event["dur"] > _NUMBERED * (stop - start):
                ink = "white" if sum(colour[index][:3]) < _DARK else "black"
                axes.text(left + width / 2, y, str(index), color=ink, fontsize=7, ha="center", va="center")
    _label(axes, trace, lanes)
    axes.set_xlim(0, (stop - start) / 1e3)
    axes.set_xlabel("ms since the step began")
    axes.set_title(f"step {step} of {trace.about['recipe']} on {trace.size} rank(s) ({trace.about['backend']})")
    keys = [Patch(color=face, label=label) for face, label in _legend(events).items()]
    few = len(indices) <= _MOST_IN_LEGEND
    kept = indices if few else [indices[0], indices[len(indices) // 2], indices[-1]]
    keys += [Patch(color=colour[n], label=f"bucket {n}") for n in kept]
    axes.legend(handles=keys, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)


def _legend(events: list[Event]) -> dict[str, str]:
    """What each colour means in this picture."""
    shown: dict[str, list[str]] = {}
    for part in _PARTS:
        if any(event["name"] == part for event in events):
            shown.setdefault(colors.PARTS[part], []).append(part)
    if any(event["cat"] == MODEL for event in events):
        shown.setdefault(_IN_MODEL, []).append("collectives in the model")
    return {face: ", ".join(names) for face, names in shown.items()}


def _label(axes: Any, trace: Trace, lanes: list[tuple[int, str, list[Event]]]) -> None:
    axes.set_yticks(range(len(lanes)), [f"rank {r}: {text}" if text == "compute" else text for r, text, _ in lanes])
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    for y in range(1, len(lanes)):
        if lanes[y][0] != lanes[y - 1][0]:
            axes.axhline(y - 0.5, color="black", linewidth=0.8)
    axes.grid(axis="x", linewidth=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
