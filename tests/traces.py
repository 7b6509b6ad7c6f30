"""Traces as Perfetto reads them: their events, and whether the format is right."""

from __future__ import annotations

from typing import Any


def events(trace: dict[str, Any], cat: str = "", pid: int | None = None) -> list[dict[str, Any]]:
    complete = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    return [e for e in complete if cat in ("", e["cat"]) and pid in (None, e["pid"])]


def check_format(trace: dict[str, Any]) -> None:
    """What the Trace Event Format and Perfetto want: required fields, order, and threads whose spans nest."""
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    for event in trace["traceEvents"]:
        assert event["ph"] in ("X", "M")
        assert {"name", "pid", "tid", "args"} <= set(event)
        assert event["ph"] == "M" or (event["ts"] >= 0 and event["dur"] >= 0 and event["tid"] > 0)
    complete = events(trace)
    assert complete == sorted(complete, key=lambda e: e["ts"])
    named = {(e["pid"], e["tid"]) for e in trace["traceEvents"] if e["name"] == "thread_name"}
    assert {(e["pid"], e["tid"]) for e in complete} <= named
    open_spans: dict[tuple[int, int], list[float]] = {}
    for event in complete:
        stack = open_spans.setdefault((event["pid"], event["tid"]), [])
        end = event["ts"] + event["dur"]
        while stack and stack[-1] <= event["ts"]:
            stack.pop()
        assert not stack or end <= stack[-1], f"{event} overlaps what it began in"
        stack.append(end)
