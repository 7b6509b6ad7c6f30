"""Batches that a thread reads ahead: the same bits, errors at their step, and no thread that outlives the run."""

from __future__ import annotations

import json
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain import data
from ddtrain.errors import DataError
from ddtrain.runs import fit
from ddtrain.trainer.task import Task
from helpers import SAMPLES, TRAIN, launch, make_task

THREAD = "ddtrain-prefetch"


class Watched:
    """A data set that remembers in which thread which samples were read, for training or not."""

    def __init__(self, dataset: data.Dataset) -> None:
        self.dataset, self.reads = dataset, []  # type: ignore[var-annotated]

    def __len__(self) -> int:
        return len(self.dataset)

    def fingerprint(self) -> str:
        return "the same"

    def batch(self, indices: Any) -> tuple[Any, ...]:
        return self.dataset.batch(indices)

    def training_batch(self, indices: Any, *, seed: int, epoch: int) -> tuple[Any, ...]:
        self.reads.append((threading.current_thread().name, epoch, tuple(indices.tolist())))
        return self.dataset.batch(indices)


def watched_task() -> tuple[Task, Watched]:
    task = make_task()
    watched = Watched(task.train)
    return replace(task, train=watched), watched


def expected_reads(epochs: int, batch_size: int, shards: int) -> list[tuple[str, int, tuple[int, ...]]]:
    return [
        (THREAD, epoch, tuple(data.shard(rows, shard, shards).tolist()))
        for epoch in range(epochs)
        for rows in data.batches(0, epoch, SAMPLES, batch_size)
        for shard in range(shards)
    ]


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_every_batch_is_read_once_in_order_by_the_thread(ahead: int, tmp_path: Path) -> None:
    task, watched = watched_task()
    fit(task, dir=tmp_path / "run", epochs=3, batch_size=7, data={"prefetch": ahead}, run={"shards": 2}, quiet=True)
    assert watched.reads == expected_reads(epochs=3, batch_size=7, shards=2)
    assert THREAD not in {thread.name for thread in threading.enumerate()}


def test_without_the_option_there_is_no_thread(tmp_path: Path) -> None:
    task, watched = watched_task()
    fit(task, dir=tmp_path / "run", epochs=1, batch_size=7, quiet=True)
    assert {name for name, *_ in watched.reads} == {threading.current_thread().name}


def test_no_more_is_read_ahead_than_is_asked_for() -> None:
    read: list[int] = []
    room = threading.Semaphore(0)

    class Slow:
        def __len__(self) -> int:
            return 10

        def batch(self, indices: Any) -> tuple[Any, ...]:
            read.append(int(indices[0]))
            room.release()
            return (indices,)

    parts = lambda step: [(np.array([step]), 0)] if step < 10 else []
    with data.Prefetched(Slow(), np.float32, seed=0, ahead=2, parts_of=parts) as prefetched:
        for step in range(4):
            prefetched.begin(step)
            assert prefetched.training_batch(np.array([step]), seed=0, epoch=0)[0] == step
    assert room.acquire(timeout=30)
    assert read == list(range(len(read)))
    assert 4 <= len(read) <= 3 + 2 + 1  # those of steps 0 to 3, and at most two beyond


def test_what_was_not_read_ahead_is_read_at_once() -> None:
    class Drawn(data.ArrayData):
        def training_batch(self, indices: Any, *, seed: int, epoch: int) -> tuple[Any, ...]:
            return (self.arrays[0][indices] + 10 * epoch + 100 * seed,)

    parts = lambda step: [(np.array([step]), 0)]
    with data.Prefetched(Drawn(np.arange(5.0)), np.float32, seed=0, ahead=1, parts_of=parts) as prefetched:
        prefetched.begin(0)
        for rows, seed, epoch in (([0], 0, 0), ([0], 0, 0), ([4, 2], 0, 0), ([1], 7, 0), ([1], 0, 3), ([1], 0, 0)):
            (x,) = prefetched.training_batch(np.array(rows), seed=seed, epoch=epoch)
            np.testing.assert_array_equal(x, np.array(rows, np.float32) + 10 * epoch + 100 * seed)
            x[:] = -1  # a batch is given once, so that what a loss does to it stays its own


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"comm": {"mode": "stale"}},
        {"optim": {"name": "sam", "lr": 0.05}},
        {"optim": {"name": "line_search", "minibatch": True}},
        {"run": {"accumulate": 3}},
        {"debug": {"check_gradients_every": 2, "nans": True}},
        {"comm": {"backend": "threads:2"}, "run": {"shards": 4}},
    ],
    ids=["plain", "stale", "sam", "line_search", "accumulate", "debug", "threads"],
)
def test_the_bits_are_those_of_a_run_without(options: dict[str, Any], tmp_path: Path) -> None:
    hashes = set()
    for ahead in (0, 2):
        task = make_task()
        sections = {**options, "data": {"prefetch": ahead, "batch_size": 7}}
        run = fit(task, dir=tmp_path / str(ahead), epochs=3, dtype="float64", quiet=True, **sections)
        hashes.add(run.summary["params_sha256"])
    assert len(hashes) == 1


def test_the_bits_are_the_same_with_augmentation_and_when_it_is_resumed(tmp_path: Path) -> None:
    options = ["fashion_cnn", "--data.augment", "noise(std=0.3), flip", "--run.shards", "2"]
    lengths = {"plain": (["--run.steps", "17"],), "ahead": (["--run.steps", "17", "--data.prefetch", "3"],)}
    lengths["resumed"] = (["--run.steps", "5"], ["--run.steps", "17", "--run.resume", "auto", "--data.prefetch", "2"])
    hashes = {}
    for name, starts in lengths.items():
        for start in starts:
            done = launch(2, *options, *start, "--run.dir", str(tmp_path / name), cwd=tmp_path, program=TRAIN)
            assert done.returncode == 0, done.stderr
        hashes[name] = json.loads((tmp_path / name / "summary.json").read_text())["params_sha256"]
    assert len(set(hashes.values())) == 1, hashes


class Broken(Watched):
    """One of whose samples cannot be read."""

    def training_batch(self, indices: Any, *, seed: int, epoch: int) -> tuple[Any, ...]:
        if 3 in indices and epoch == 1:
            raise DataError("picture 3 cannot be read")
        return super().training_batch(indices, seed=seed, epoch=epoch)


def test_an_error_is_raised_at_the_step_that_needs_the_batch(tmp_path: Path) -> None:
    said = {}
    for ahead in (0, 5):
        task = make_task()
        broken = replace(task, train=Broken(task.train))
        with pytest.raises(DataError, match="picture 3 cannot be read") as caught:
            fit(broken, dir=tmp_path / str(ahead), epochs=3, batch_size=7, data={"prefetch": ahead}, quiet=True)
        said[ahead] = str(caught.value)
        frames = [frame.name for frame in traceback.extract_tb(caught.tb)]
        assert frames[-1] == "training_batch"  # of the data set, also where the thread has called it
        assert "take_step" in frames
        steps = [
            json.loads(line)["step"] for line in (tmp_path / str(ahead) / "metrics.jsonl").read_text().splitlines()
        ]
        assert max(steps) == 4 + next(k for k, rows in enumerate(data.batches(0, 1, SAMPLES, 7)) if 3 in rows)
    assert said[0] == said[5]
    assert THREAD not in {thread.name for thread in threading.enumerate()}


def test_an_error_in_a_batch_that_no_step_needs_ends_no_run(tmp_path: Path) -> None:
    task = make_task()
    run = fit(
        replace(task, train=Broken(task.train)),
        dir=tmp_path / "run", steps=4, batch_size=7, data={"prefetch": 9}, quiet=True,
    )  # fmt: skip
    assert run.state == "completed"


def test_overflows_in_the_thread_are_no_warnings(tmp_path: Path) -> None:
    task = make_task()
    dataset = data.ArrayData(*task.train.arrays, transform=lambda x: np.minimum(np.exp(x * 1e6), 1.0))  # type: ignore[attr-defined]
    fit(replace(task, train=dataset), dir=tmp_path / "run", steps=5, batch_size=7, data={"prefetch": 2}, quiet=True)
