"""What a rank records, how recordings become one file, and that a traced run is the run it would have been."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faulty import RECIPES
from traces import check_format, events

from ddtrain.comm import Communicator
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.trainer import atomic_files
from ddtrain.trainer.config.config import Comm, Config, Data, Debug, Run
from ddtrain.trainer.config.step_ranges import steps_of
from ddtrain.trainer.config.validation import validate
from ddtrain.trainer.loop import Trainer
from ddtrain.trainer.main import run
from ddtrain.trainer.modes import make_mode
from ddtrain.trainer.records.run_records import RunRecords
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.step.timeline import Timeline
from helpers import make_task
from worlds import World

PARTS = ("data", "forward", "backward", "wait", "decide", "update", "log")


class TestSteps:
    def test_the_last_is_left_out(self) -> None:
        assert steps_of("1:3") == range(1, 3)
        assert not steps_of("")

    @pytest.mark.parametrize(
        "text", ["20:10", "5:5", "x:y", "0:5", "10", "10:", ":10", "-1:5", "1:2:3", "1.5:3", " 1:2"]
    )
    def test_what_is_no_range_is_one_line(self, text: str) -> None:
        with pytest.raises(UsageError) as caught:
            validate(Config(debug=Debug(trace=text)), size=1)
        assert caught.value.one_line.startswith(f"--debug.trace {text} is not a range of steps: Give FIRST:LAST")


def test_a_bucket_is_in_flight_until_it_is_seen_to_be_done() -> None:
    timeline = Timeline(LocalCommunicator())
    timeline.step = 4
    timeline.launched(1, 40)
    timeline.launched(0, 80)
    timeline.done(0)
    timeline.done(1)
    rows = timeline.recording()["buckets"]
    assert [row[:3] for row in rows] == [[0, 80, 4], [1, 40, 4]]
    assert rows[1][3] <= rows[0][3] <= rows[0][4] <= rows[1][4]


def test_a_clock_that_goes_wrong_is_set_right_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    comparisons = iter([(100.0, 7.0, 1e-6), (200.0, 8.0, 2e-6)])  # this clock gains a second in a hundred
    monkeypatch.setattr(Timeline, "_compare", lambda self: next(comparisons))
    timeline = Timeline(LocalCommunicator())
    timeline.span("forward", 125.0, 150.0)
    found = timeline.recording()
    assert found["spans"] == [["forward", 0, round((125 - 7.25) * 1e9), round((150 - 7.5) * 1e9)]]
    assert (found["clock_error_us"], found["clock_drift_us"]) == (2.0, 1e6)


# A run. Batch-norm and tiny buckets: every kind of event is there.


def traced(comm: Communicator, directory: Path, trace: str = "2:5", **run_options: Any) -> tuple[str, Trainer]:
    options = {"epochs": 2, "dir": str(directory), "dtype": "float64", **run_options}
    config = Config(run=Run(**options), debug=Debug(trace=trace), data=Data(batch_size=7), comm=Comm(bucket_bytes=64))
    task = make_task()
    trainer = Trainer(comm, config, task)
    trainer.records = RunRecords(comm, config, "net", directory, None, task)
    return trainer.run().params_sha256, trainer


def check_run(trace: dict[str, Any], size: int, buckets: int, steps: range = range(2, 5)) -> None:
    check_format(trace)
    about = trace["otherData"]
    assert (about["recipe"], about["ranks"], about["steps"]) == ("net", size, list(steps))
    assert len(about["clock_error_us"]) == size
    assert about["clock_error_us"][0] == 0.0
    launches = {}
    for rank in range(size):
        for step in steps:
            own = [e for e in events(trace, pid=rank) if e["args"]["step"] == step]
            (whole,) = [e for e in own if e["name"] == "step"]
            inside = [e for e in own if whole["ts"] <= e["ts"] and e["ts"] + e["dur"] <= whole["ts"] + whole["dur"]]
            names = [e["name"] for e in inside if e["cat"] == "compute"]
            assert set(names) == {*PARTS, "step", "sum"}
            assert names.count("sum") == buckets
            assert list(dict.fromkeys(name for name in names if name in PARTS)) == list(PARTS), "as they happen"
            flights = [e for e in inside if e["cat"] == "bucket"]
            launches[rank, step] = [(e["args"]["index"], e["args"]["bytes"]) for e in flights]
            backward = [e for e in inside if e["name"] == "backward"]
            (wait,) = [e for e in inside if e["name"] == "wait"]
            for e in flights:
                assert backward[0]["ts"] <= e["ts"] <= backward[-1]["ts"] + backward[-1]["dur"]
                assert e["ts"] + e["dur"] <= wait["ts"] + wait["dur"]
    for indices in launches.values():
        assert indices == launches[0, steps[0]]
        assert [index for index, _ in indices] == list(range(buckets))
    assert buckets > 1


def test_a_run_is_traced_on_every_rank_and_stays_the_same_run(world: World, tmp_path: Path) -> None:
    (sha256, trainer), *_ = world.run(lambda comm: traced(comm, tmp_path / "traced"))
    (same, _), *_ = world.run(lambda comm: traced(comm, tmp_path / "not", trace=""))
    assert sha256 == same
    assert not (tmp_path / "not" / "trace.json").exists()
    trace = json.loads((tmp_path / "traced" / "trace.json").read_text())
    check_run(trace, world.size, len(trainer.train_step.reducer._members))
    model = events(trace, "model")
    if world.size == 1:
        assert model == []
    else:
        assert {e["name"] for e in model} <= {"allreduce", "allgather"}
        assert {e["pid"] for e in model} == set(range(world.size))
    assert [e["args"]["step"] for e in events(trace, pid=0) if e["name"] == "evaluation"] == [4], "23 samples, by 7"
    assert [e["args"]["step"] for e in events(trace, pid=0) if e["name"] == "checkpoint"] == [4]
    assert trainer.timeline is trainer.train_step.timeline is trainer.train_step.reducer.watcher is None


def test_both_gradient_buffers_of_stale_tell_the_timeline_and_no_other_afterwards() -> None:
    config = Config(comm=Comm(mode="stale"))
    mode = make_mode(build_step(LocalCommunicator(), make_task(), config), config.comm)
    for timeline in (Timeline(LocalCommunicator()), None):
        mode.train_step.timeline = timeline
        assert [buffer.reducer.watcher for buffer in mode.gradient_buffers] == [timeline, timeline]
        mode.gradients(mode.done, np.arange(7))  # the other buffer's turn


def test_shards_that_take_turns_do_not_overlap(tmp_path: Path) -> None:
    (_, trainer), *_ = World("threads:2").run(lambda comm: traced(comm, tmp_path, shards=5))
    trace = json.loads((tmp_path / "trace.json").read_text())
    check_run(trace, 2, len(trainer.train_step.reducer._members))
    backward = [e for e in events(trace, pid=1) if (e["name"], e["args"]["step"]) == ("backward", 3)]
    meetings = 2  # in the backward pass of each shard: batch-norm adds up two vectors, in one call or two
    assert len(backward) > 3, "three shards, and each is interrupted"
    assert len(backward) <= 3 * (meetings + 1)


@pytest.mark.mpi(min_size=2)
def test_under_mpi_the_ranks_are_in_one_file(comm: Communicator, tmp_path: Path) -> None:
    directory = Path(comm.exchange_objects(str(tmp_path))[0])
    _, trainer = traced(comm, directory)
    trace = json.loads((directory / "trace.json").read_text())
    check_run(trace, comm.size, len(trainer.train_step.reducer._members))
    names = [e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"]
    assert [name.split(" (")[0] for name in names] == [f"rank {rank}" for rank in range(comm.size)]
    assert {e["pid"] for e in events(trace, "model")} == set(range(comm.size))
    error_us = max(trace["otherData"]["clock_error_us"])
    for step in (2, 3, 4):  # what a broadcast ends on every rank, it began on rank 0 before: clocks agree so far
        ends = {
            e["pid"]: e["ts"] + e["dur"] for e in events(trace) if (e["name"], e["args"]["step"]) == ("decide", step)
        }
        starts = [e["ts"] for e in events(trace, pid=0) if (e["name"], e["args"]["step"]) == ("decide", step)]
        assert all(end > starts[0] - 2 * error_us for end in ends.values())


@pytest.fixture
def job(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def start(*args: str) -> tuple[int, str]:
        code = run(["--run.dir", "run", *args], RECIPES)
        return code, "".join(capfd.readouterr())

    return start


def test_a_run_that_ends_within_the_steps_writes_those_it_took(job: Any, tmp_path: Path) -> None:
    code, said = job("--run.steps", "3", "--debug.trace", "2:100")
    assert code == 0
    assert "traced in run/trace.json" in said
    assert json.loads((tmp_path / "run" / "trace.json").read_text())["otherData"]["steps"] == [2, 3]


def test_a_run_that_is_stopped_within_the_steps_writes_those_it_took(job: Any, tmp_path: Path) -> None:
    code, _ = job("--debug.trace", "1:100", "--fault.kind", "stop_file", "--fault.rank", "0")
    assert code == 75
    assert json.loads((tmp_path / "run" / "trace.json").read_text())["otherData"]["steps"] == [*range(1, 8)]


def test_steps_that_the_run_does_not_reach_are_pointed_out(job: Any, tmp_path: Path) -> None:
    code, said = job("--run.steps", "3", "--debug.trace", "4:9")
    assert code == 0
    assert "warning: --debug.trace 4:9 names no step that this run will take" in said
    assert not (tmp_path / "run" / "trace.json").exists()


def test_a_trace_that_cannot_be_written_does_not_end_the_run(job: Any, tmp_path: Path) -> None:
    (tmp_path / "run" / "trace.json").mkdir(parents=True)
    atomic_files.write_json(tmp_path / "run" / "status.json", {"state": "failed"})
    code, said = job("--run.steps", "3", "--debug.trace", "1:3")
    assert code == 0
    assert "warning: cannot write run/trace.json: Is a directory (EISDIR)" in said


def test_a_wrong_range_is_one_line(job: Any) -> None:
    code, said = job("--debug.trace", "20:10")
    assert code == 2
    assert said.splitlines() == [
        "ddtrain: error: --debug.trace 20:10 is not a range of steps: "
        "Give FIRST:LAST, as 10:20 for steps 10 to 19; the first step is 1."
    ]
