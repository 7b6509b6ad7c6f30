"""What a run's trace.json says of its ranks and buckets: figures only, from one file, without a communicator.

Compute is forward and backward without the collectives inside the model, which are waiting, like the time between the
end of backward and the end of the last bucket, and without the adding that goes on in the midst of backward. A rank is
ready when its backward ends. A bucket is hidden for as long as it is in flight before that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from ddtrain.errors import DataError, UsageError
from ddtrain.trainer.file_names import LOG
from ddtrain.trainer.records import metrics
from ddtrain.trainer.records.perfetto_trace import BUCKET, COMPUTE, MODEL, Event

PARTS = ("data", "forward", "backward", "wait", "decide", "update", "log")
SUM = "sum"  # time in which a rank sums its share of a bucket, during backward or wait
# fraction of steps that makes a rank "usually slowest": by chance, one of equal ranks reaches at most half
_OFTEN = 0.75


@dataclass
class RankStep:
    """What one rank did in one step. Times in µs of the trace."""

    events: list[Event] = field(default_factory=list)

    def named(self, name: str) -> list[Event]:
        """Its events of that name."""
        return [event for event in self.events if event["name"] == name]

    def of(self, cat: str) -> list[Event]:
        """Its events of that category."""
        return [event for event in self.events if event["cat"] == cat]

    def ms(self, name: str) -> float:
        """How long a part took."""
        return _duration_ms(self.named(name))

    @property
    def model_ms(self) -> float:
        """How long the collectives inside the model took."""
        return _duration_ms(self.of(MODEL))

    @property
    def compute_ms(self) -> float:
        """How long the rank computed gradients."""
        passes, others = [*self.named("forward"), *self.named("backward")], [*self.of(MODEL), *self.named(SUM)]
        return _duration_ms(passes) - sum(_overlap_us(span, other) for span in passes for other in others) / 1e3

    @property
    def ready(self) -> float:
        """When backward was over."""
        return max((end(event) for event in self.named("backward")), default=0.0)

    def hidden_us(self, event: Event) -> float:
        """For how much of a bucket's flight backward went on."""
        return max(min(self.ready, end(event)) - float(event["ts"]), 0.0)


@dataclass(frozen=True)
class Trace:
    """A trace that has been read: steps, and in each all ranks. Only whole steps count."""

    path: Path
    about: dict[str, Any]
    hosts: list[str]
    steps: dict[int, list[RankStep]]

    @property
    def size(self) -> int:
        """The number of ranks."""
        return len(self.hosts)


def end(event: Event) -> float:
    """When an event was over."""
    return float(event["ts"] + event["dur"])


def _overlap_us(a: Event, b: Event) -> float:
    return max(min(end(a), end(b)) - float(max(a["ts"], b["ts"])), 0.0)


def _duration_ms(events: Iterable[Event]) -> float:
    return float(sum(event["dur"] for event in events)) / 1e3


def read(run: Path) -> Trace:
    """The trace of the run in a directory.

    Raises
    ------
    UsageError : there is none
    DataError : it is not one that ``--debug.trace`` wrote, or holds no whole step
    """
    path = run / "trace.json"
    try:
        return _parse(path, json.loads(path.read_bytes()))
    except FileNotFoundError:
        there = f"{run} has no trace.json" if run.is_dir() else f"there is no run in {run}"
        raise UsageError(there, remedy="Train with --debug.trace 10:20, which records steps 10 to 19.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise DataError(f"{path} is not a trace that --debug.trace wrote", remedy="Run it again.") from None


def _parse(path: Path, whole: dict[str, Any]) -> Trace:
    about, events = whole["otherData"], whole["traceEvents"]
    if missing := {"recipe", "backend", "clock_error_us"} - set(about):
        raise KeyError(*missing)
    hosts = [e["args"]["name"].partition("(")[2].rstrip(")") for e in events if e["name"] == "process_name"]
    steps: dict[int, list[RankStep]] = {}
    for event in events:
        if event["ph"] == "X" and event["cat"] in (COMPUTE, MODEL, BUCKET):
            ranks = steps.setdefault(event["args"]["step"], [RankStep() for _ in hosts])
            ranks[event["pid"]].events.append(event)
    whole_steps = {n: ranks for n, ranks in sorted(steps.items()) if all(rank.named("step") for rank in ranks)}
    if not whole_steps:
        raise DataError(f"{path} holds no whole step", remedy="Trace more of them.")
    return Trace(path, about, hosts, whole_steps)


def figures(trace: Trace) -> dict[str, Any]:
    """Everything that ``bench report`` says, JSON-able."""
    return {
        "recipe": trace.about["recipe"],
        "backend": trace.about["backend"],
        "ranks_in_all": trace.size,
        "steps": list(trace.steps),
        "step_ms": _median(rank.ms("step") for ranks in trace.steps.values() for rank in ranks),
        "clock_error_us": max(trace.about["clock_error_us"]),
        "ranks": [_rank(trace, r) for r in range(trace.size)],
        "slow": _slow(trace),
        "buckets": _buckets(trace),
        "communication": _communication(trace),
        "samples_per_s": _throughput(trace),
    }


def _rank(trace: Trace, r: int) -> dict[str, Any]:
    own = [ranks[r] for ranks in trace.steps.values()]
    behind = [ms for ms in (_behind_ms(ranks, r) for ranks in trace.steps.values()) if ms is not None]
    return {
        "rank": r,
        "host": trace.hosts[r],
        **{f"{part}_ms": _median(step.ms(part) for step in own) for part in (*PARTS, SUM)},
        "model_ms": _median(step.model_ms for step in own),
        "compute_ms": _median(step.compute_ms for step in own),
        "exposed_ms": _median(step.ms("wait") + step.model_ms for step in own),
        "last_ready_steps": len(behind),
        "last_ready_by_ms": _median(behind) if behind else None,
    }


def _behind_ms(ranks: list[RankStep], r: int) -> float | None:
    """By how much rank r was the last to be ready in this step; None where it was not, or is alone."""
    others = [rank.ready for i, rank in enumerate(ranks) if i != r]
    if not others or ranks[r].ready <= max(others):
        return None
    return (ranks[r].ready - max(others)) / 1e3


def _slow(trace: Trace) -> dict[str, Any] | None:
    """The rank that computes longest, where it is the same one most of the time."""
    if trace.size == 1:
        return None
    longest = [max(range(trace.size), key=lambda r: ranks[r].compute_ms) for ranks in trace.steps.values()]
    r = max(range(trace.size), key=longest.count)
    if longest.count(r) < _OFTEN * len(longest):
        return None
    excess = median(ranks[r].compute_ms - _others_ms(ranks, r) for ranks in trace.steps.values())
    usual = median(_others_ms(ranks, r) for ranks in trace.steps.values())
    return {
        "rank": r,
        "longest_in_steps": longest.count(r),
        "longer_by_ms": round(excess, 4),
        "longer_by_share": _share(excess, usual),
    }


def _others_ms(ranks: list[RankStep], r: int) -> float:
    return median(rank.compute_ms for i, rank in enumerate(ranks) if i != r)


def _buckets(trace: Trace) -> list[dict[str, Any]]:
    """Each bucket, over all ranks and steps."""
    flights: dict[int, list[tuple[Event, float]]] = {}
    for rank in (rank for ranks in trace.steps.values() for rank in ranks):
        for event in rank.of(BUCKET):
            flights.setdefault(event["args"]["index"], []).append((event, rank.hidden_us(event)))
    return [
        {
            "index": index,
            "bytes": seen[0][0]["args"]["bytes"],
            "flight_ms": _median(event["dur"] / 1e3 for event, _ in seen),
            "longest_ms": round(max(event["dur"] for event, _ in seen) / 1e3, 4),
            "hidden_share": _share(sum(hidden for _, hidden in seen), sum(event["dur"] for event, _ in seen)),
        }
        for index, seen in sorted(flights.items())
    ]


def _communication(trace: Trace) -> dict[str, Any]:
    """How long buckets were in flight in a step of a rank, and what share of that time backward hid."""
    flown, hidden = [], []
    for rank in (rank for ranks in trace.steps.values() for rank in ranks):
        covered = list(_union((event["ts"], end(event)) for event in rank.of(BUCKET)))
        flown.append(sum(last - first for first, last in covered))
        hidden.append(sum(max(min(last, rank.ready) - first, 0.0) for first, last in covered))
    steps = next(iter(trace.steps.values()))
    return {
        "bytes_a_step": sum(event["args"]["bytes"] for event in steps[0].of(BUCKET)),
        "in_flight_ms": _median(us / 1e3 for us in flown),
        "hidden_share": _share(sum(hidden), sum(flown)),
    }


def _union(intervals: Iterable[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    """The union of intervals, as disjoint ones in order.

    >>> list(_union([(0, 2), (1, 3), (5, 6)]))
    [(0, 3), (5, 6)]
    """
    first = last = None
    for began, ended in sorted(intervals):
        if first is None or last is None:
            first, last = began, ended
        elif began <= last:
            last = max(last, ended)
        else:
            yield first, last
            first, last = began, ended
    if first is not None and last is not None:
        yield first, last


def _throughput(trace: Trace) -> dict[str, float | None]:
    """Samples a second, by metrics.jsonl: of the steps traced, and of all others, which says what tracing costs."""
    path = trace.path.with_name(LOG)
    lines: list[Mapping[str, Any]] = list(metrics.read(path)) if path.exists() else []
    rates = {line["step"]: line["samples_per_s"] for line in lines if "samples_per_s" in line}
    traced = [rate for step, rate in rates.items() if step in trace.steps]
    others = [rate for step, rate in rates.items() if step not in trace.steps]
    return {"traced": _median(traced) if traced else None, "others": _median(others) if others else None}


def _median(values: Iterable[float]) -> float:
    return round(median(values), 4)


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
