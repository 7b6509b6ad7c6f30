"""The recordings of all ranks as one file for Perfetto (ui.perfetto.dev) and chrome://tracing.

Each rank is a process, with one thread for what it computes, one for collectives inside the model, and one for each
bucket in flight. Times are microseconds of rank 0's clock since the first thing that was recorded.

References
----------
Trace Event Format (Google, 2016): complete events (``"ph": "X"``) and metadata (``"ph": "M"``).

Note [Grid]
Viewers drop events of one thread that overlap without nesting, and turn microseconds into nanoseconds in floating
point, where the end of one span can come after the beginning of the next by a rounding. On a grid of 1/8 µs all times
are exact in binary, in either unit, and what touches or nests does so after any reader's arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]

COMPUTE, MODEL, BUCKET = "compute", "model", "bucket"  # categories of events
_COMPUTE, _MODEL, _FIRST_BUCKET = 1, 2, 3  # thread numbers; Perfetto keeps 0 for itself
_GRID_NS = 125


def merge(recordings: Sequence[dict[str, Any]], **about: Any) -> dict[str, Any]:
    """The whole file as a JSON-able value.

    Parameters
    ----------
    recordings : :meth:`Timeline.recording` of every rank, in rank order
    about : further facts about the run, besides the recorded steps and the errors of the ranks' clocks

    >>> span = ["forward", 10, 5_000, 7_000]
    >>> events = merge([{"host": "here", "clock_error_us": 0.0, "clock_drift_us": 0.0,
    ...                  "spans": [span], "calls": [], "buckets": []}])["traceEvents"]
    >>> [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    [('forward', 0.0, 2.0)]
    """
    rows = [row for r in recordings for row in (*r["spans"], *r["calls"], *r["buckets"])]
    origin = min((row[-2] for row in rows), default=0)
    names: list[Event] = []
    events: list[Event] = []
    for rank, recording in enumerate(recordings):
        own = list(_events(rank, recording, origin))
        lanes = assign_lanes(event for event in own if event["cat"] == BUCKET)
        names += _names(rank, recording["host"], lanes)
        events += own
    events.sort(key=lambda e: (e["ts"], -e["dur"]))  # an event goes before the events that it contains
    return {
        "traceEvents": [*names, *events],
        "displayTimeUnit": "ms",
        "otherData": {
            **about,
            "ranks": len(recordings),
            "steps": sorted({event["args"]["step"] for event in events}),
            "clock_error_us": [recording["clock_error_us"] for recording in recordings],
            "clock_drift_us": [recording["clock_drift_us"] for recording in recordings],
        },
    }


def assign_lanes(buckets: Iterable[Event]) -> int:
    """Give each event the first lane that is free when it begins; returns how many lanes that takes.

    That is the largest number of events that overlap.
    """
    free_at: list[float] = []
    for event in sorted(buckets, key=lambda e: e["ts"]):
        lane = next((i for i, ts in enumerate(free_at) if ts <= event["ts"]), len(free_at))
        free_at[lane : lane + 1] = [event["ts"] + event["dur"]]
        event["tid"] = _FIRST_BUCKET + lane
    return len(free_at)


def _events(rank: int, recording: dict[str, Any], origin: int) -> Iterable[Event]:
    def event(name: str, cat: str, tid: int, began: int, ended: int, **args: Any) -> Event:
        ts, end = (round((t - origin) / _GRID_NS) * _GRID_NS / 1000 for t in (began, ended))
        return {"name": name, "cat": cat, "ph": "X", "pid": rank, "tid": tid, "ts": ts, "dur": end - ts, "args": args}

    for name, step, began, ended in recording["spans"]:
        yield event(name, COMPUTE, _COMPUTE, began, ended, step=step)
    for name, nbytes, step, began, ended in recording["calls"]:
        yield event(name, MODEL, _MODEL, began, ended, step=step, bytes=nbytes)
    for index, nbytes, step, began, ended in recording["buckets"]:
        yield event(f"bucket {index}", BUCKET, _FIRST_BUCKET, began, ended, step=step, index=index, bytes=nbytes)


def _names(rank: int, host: str, lanes: int) -> Iterable[Event]:
    threads = ["compute", "collectives in the model", *(f"bucket in flight {lane + 1}" for lane in range(lanes))]
    yield _metadata("process_name", rank, 0, name=f"rank {rank} ({host})")
    yield _metadata("process_sort_index", rank, 0, sort_index=rank)
    for tid, name in enumerate(threads, _COMPUTE):
        yield _metadata("thread_name", rank, tid, name=name)
        yield _metadata("thread_sort_index", rank, tid, sort_index=tid)


def _metadata(name: str, pid: int, tid: int, /, **args: Any) -> Event:
    return {"name": name, "ph": "M", "pid": pid, "tid": tid, "args": args}
