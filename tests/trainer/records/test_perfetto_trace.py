"""Recordings of all ranks become one file: times, lanes of buckets, and a file of nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from traces import check_format, events

from ddtrain.trainer.records.perfetto_trace import assign_lanes, merge


def recording(**rows: list[list[Any]]) -> dict[str, Any]:
    usual = {"host": "here", "clock_error_us": 0.5, "clock_drift_us": 0.0, "spans": [], "calls": [], "buckets": []}
    return {**usual, **rows}


class TestMerge:
    def test_times_are_microseconds_since_the_first(self) -> None:
        rows = [["forward", 3, 5_000_000, 5_250_000], ["step", 3, 4_000_000, 6_000_000]]
        trace = merge([recording(spans=rows)], recipe="mlp")
        check_format(trace)
        assert [(e["name"], e["ts"], e["dur"], e["args"]) for e in events(trace)] == [
            ("step", 0.0, 2000.0, {"step": 3}),
            ("forward", 1000.0, 250.0, {"step": 3}),
        ]
        assert trace["otherData"] == {
            "recipe": "mlp",
            "ranks": 1,
            "steps": [3],
            "clock_error_us": [0.5],
            "clock_drift_us": [0.0],
        }

    def test_spans_that_touch_still_do_after_a_reader_made_nanoseconds_of_them(self) -> None:
        rng = np.random.default_rng(0)
        moments = np.cumsum(rng.integers(200, 3000, 1000)).tolist()  # of one thread, each the end of a span and a start
        rows = [["part", 1, began, ended] for began, ended in pairwise(moments)]
        found = events(merge([recording(spans=[*rows, ["step", 1, moments[0], moments[-1]]])]))
        ns = [(int(e["ts"] * 1000), int(e["dur"] * 1000)) for e in found if e["name"] == "part"]
        assert all(a + d == b for (a, d), (b, _) in pairwise(ns))
        (step,) = [e for e in found if e["name"] == "step"]
        assert sum(ns[-1]) == int(step["ts"] * 1000) + int(step["dur"] * 1000)

    def test_there_are_as_many_lanes_as_buckets_in_flight_at_once(self) -> None:
        rows = [[0, 64, 1, 0, 9000], [1, 64, 1, 2000, 4000], [2, 64, 1, 4000, 8000], [3, 64, 1, 8500, 9500]]
        trace = merge([recording(buckets=rows), recording()])
        check_format(trace)
        assert [(e["name"], e["tid"]) for e in events(trace)] == [
            ("bucket 0", 3), ("bucket 1", 4), ("bucket 2", 4), ("bucket 3", 4),
        ]  # fmt: skip
        assert events(trace)[1]["args"] == {"step": 1, "index": 1, "bytes": 64}
        names = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
        assert [names[0, tid] for tid in (1, 2, 3, 4)] == [
            "compute", "collectives in the model", "bucket in flight 1", "bucket in flight 2",
        ]  # fmt: skip
        assert (1, 3) not in names

    def test_lanes_of_random_buckets(self) -> None:
        rng = np.random.default_rng(1)
        flights = [{"ts": float(t), "dur": float(d)} for t, d in rng.integers(1, 50, (60, 2))]
        most = max(sum(e["ts"] <= t < e["ts"] + e["dur"] for e in flights) for t in range(100))
        assert assign_lanes(flights) == most
        for lane in {e["tid"] for e in flights}:
            own = sorted((e["ts"], e["dur"]) for e in flights if e["tid"] == lane)
            assert all(a + d <= b for (a, d), (b, _) in pairwise(own))

    def test_nothing_recorded_is_a_file_too(self) -> None:
        check_format(merge([recording()]))
