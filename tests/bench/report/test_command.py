"""``bench report``: figures from a trace whose times are known, and one line where there is none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faulty import RECIPES

from ddtrain.bench.__main__ import main
from ddtrain.bench.report.figures import figures, read
from ddtrain.errors import DataError, UsageError
from ddtrain.trainer.main import run as train
from ddtrain.trainer.records.perfetto_trace import merge

pytestmark = pytest.mark.mpi_skip  # a command prints on rank 0 alone

MS = 1_000_000  # in the nanoseconds of recordings
STEP_MS = 20
LATE_MS = (0, 0, 3)  # by which forward takes longer, by rank


def rank_step(step: int, late_ms: int, buckets: bool = True) -> dict[str, list[list[Any]]]:
    """data 1, forward 4 + late with 1 in the model, backward 6 with 0.5 adding, wait 4 - late, decide 1, update 2."""
    t = step * STEP_MS

    def rows(*parts: tuple[str, float, float]) -> list[list[Any]]:
        return [[name, step, round((t + a) * MS), round((t + b) * MS)] for name, a, b in parts]

    forward, backward = 5 + late_ms, 11 + late_ms
    spans = rows(
        ("data", 0, 1), ("forward", 1, forward), ("backward", forward, backward), ("wait", backward, 15),
        ("sum", 8, 8.5), ("sum", 14, 14.5), ("decide", 15, 16), ("update", 16, 18), ("step", 0, 18),
    )  # fmt: skip
    calls = [["allreduce", 40, step, (t + 2) * MS, (t + 3) * MS]]
    flights = [[0, 100, step, (t + 7) * MS, (t + 13) * MS], [1, 900, step, (t + backward) * MS, (t + 15) * MS]]
    return {"spans": spans, "calls": calls, "buckets": flights if buckets else []}


def write(run: Path, late_ms: tuple[int, ...] = LATE_MS, steps: range = range(10, 14), **options: Any) -> Path:
    recordings = []
    for rank, late in enumerate(late_ms):
        rows: dict[str, Any] = {"spans": [], "calls": [], "buckets": []}
        for step in steps:
            for kind, found in rank_step(step, late, **options).items():
                rows[kind] += found
        recordings.append({"host": f"node{rank}", "clock_error_us": rank * 0.5, "clock_drift_us": 0.0, **rows})
    run.mkdir(exist_ok=True)
    (run / "trace.json").write_text(json.dumps(merge(recordings, recipe="net", backend="mpi")))
    rates = [{"step": n, "samples_per_s": 90.0 if n in steps else 100.0} for n in range(1, 20)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*rates, {"step": 9, "v": 1}]))
    return run


def test_figures_of_ranks(tmp_path: Path) -> None:
    found = figures(read(write(tmp_path)))
    assert (found["recipe"], found["backend"], found["ranks_in_all"]) == ("net", "mpi", 3)
    assert (found["steps"], found["step_ms"]) == ([10, 11, 12, 13], 18.0)
    assert found["clock_error_us"] == 1.0
    assert found["samples_per_s"] == {"traced": 90.0, "others": 100.0}
    prompt, _, late = found["ranks"]
    assert prompt == {
        "rank": 0, "host": "node0", "data_ms": 1.0, "forward_ms": 4.0, "backward_ms": 6.0, "wait_ms": 4.0,
        "decide_ms": 1.0, "update_ms": 2.0, "log_ms": 0.0, "model_ms": 1.0, "sum_ms": 1.0, "compute_ms": 8.5,
        "exposed_ms": 5.0,
        "last_ready_steps": 0, "last_ready_by_ms": None,
    }  # fmt: skip
    assert (late["forward_ms"], late["wait_ms"], late["compute_ms"], late["exposed_ms"]) == (7.0, 1.0, 11.5, 2.0)
    assert (late["last_ready_steps"], late["last_ready_by_ms"]) == (4, 3.0)
    assert found["slow"] == {
        "rank": 2,
        "longest_in_steps": 4,
        "longer_by_ms": 3.0,
        "longer_by_share": round(3 / 8.5, 4),
    }


def test_figures_of_buckets(tmp_path: Path) -> None:
    found = figures(read(write(tmp_path, late_ms=(0,))))
    assert found["buckets"] == [  # backward ends at 11: bucket 0 flies from 7 to 13, bucket 1 from 11 to 15
        {"index": 0, "bytes": 100, "flight_ms": 6.0, "longest_ms": 6.0, "hidden_share": round(4 / 6, 4)},
        {"index": 1, "bytes": 900, "flight_ms": 4.0, "longest_ms": 4.0, "hidden_share": 0.0},
    ]
    assert found["communication"] == {"bytes_a_step": 1000, "in_flight_ms": 8.0, "hidden_share": 0.5}
    assert found["slow"] is None
    assert found["ranks"][0]["last_ready_steps"] == 0


def test_a_rank_is_slow_only_if_it_is_the_same_most_of_the_time(tmp_path: Path) -> None:
    trace = read(write(tmp_path, late_ms=(0, 2)))
    for n in (10, 11):
        trace.steps[n].reverse()
    assert figures(trace)["slow"] is None
    trace.steps[11].reverse()
    slow = figures(trace)["slow"]
    assert (slow["rank"], slow["longest_in_steps"], slow["longer_by_ms"]) == (1, 3, 2.0)


def test_without_buckets_nothing_is_hidden(tmp_path: Path) -> None:
    found = figures(read(write(tmp_path, buckets=False)))
    assert found["buckets"] == []
    assert found["communication"]["hidden_share"] is None


def test_a_step_that_a_rank_did_not_end_does_not_count(tmp_path: Path) -> None:
    run = write(tmp_path)
    whole = json.loads((run / "trace.json").read_text())
    events = whole["traceEvents"]
    events.remove(next(e for e in events if e["name"] == "step" and e["pid"] == 1 and e["args"]["step"] == 13))
    (run / "trace.json").write_text(json.dumps(whole))
    assert list(read(run).steps) == [10, 11, 12]


def test_tables_and_json_and_picture(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    run, picture = write(tmp_path / "run"), tmp_path / "step.png"
    args = ["report", str(run), "--json", str(tmp_path / "f.json"), "--plot", str(picture), "--step", "11"]
    assert main(args) == 0
    shown = capfd.readouterr().out
    assert "net on 3 rank(s) (mpi), steps 10 to 13: 18.000 ms a step" in shown
    assert "rank 2 is the slowest: it computes longest in 4 of 4 steps, by 3.000 ms or 35% (median)" in shown
    assert "samples/s: 90 in these steps, 100 in all others" in shown
    assert "1,000 bytes a step" in shown
    assert "2 (node2)" in shown
    assert json.loads((tmp_path / "f.json").read_text())["slow"]["rank"] == 2
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_real_run_is_reported_without_metrics_too(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    options = ["--run.dir", str(run), "--run.steps", "6", "--debug.trace", "2:5", "--comm.backend", "threads:2"]
    assert train(options, RECIPES) == 0
    (run / "metrics.jsonl").unlink()
    capfd.readouterr()
    assert main(["report", str(run)]) == 0
    shown = capfd.readouterr().out
    assert "on 2 rank(s) (threads:2), steps 2 to 4" in shown
    assert "samples/s" not in shown


def test_mpi_is_not_started(tmp_path: Path) -> None:
    script = f"import sys; from ddtrain.bench.__main__ import main; main(['report', {str(write(tmp_path / 'run'))!r}]);"
    script += " sys.exit('mpi4py.MPI' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


def test_what_is_no_trace_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no trace\.json"):
        read(tmp_path)
    with pytest.raises(UsageError, match="there is no run in"):
        read(tmp_path / "elsewhere")
    for text in ("{", "[]", '{"traceEvents": []}', '{"traceEvents": [], "otherData": {}}'):
        (tmp_path / "trace.json").write_text(text)
        with pytest.raises(DataError, match=r"is not a trace that --debug\.trace wrote"):
            read(tmp_path)
    (tmp_path / "trace.json").write_text(json.dumps(merge([], recipe="net", backend="local")))
    with pytest.raises(DataError, match="holds no whole step"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        ([], "bench report needs the directory of a run: Write bench report RUN."),
        (["{run}/nowhere"], "nowhere: Train with --debug.trace 10:20, which records steps 10 to 19."),
        (["{run}", "--step", "9"], "trace.json: There are 10, 11, 12, 13."),
        (["{run}", "--plot", "{run}/step.xyz"], "End it in .png, .svg, .pdf."),
        (["{run}", "and", "more"], "unexpected argument 'and'"),
    ],
)
def test_mistakes_are_one_line(
    args: list[str], complaint: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = write(tmp_path / "run")
    assert main(["report", *(arg.format(run=run) for arg in args)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err


def test_help_shows_what_comes_first(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/ddtrain"])
    assert main(["report", "--help"]) == 0
    assert capfd.readouterr().out.startswith("usage: ddtrain bench report [RUN] [--option value ...]\n")
