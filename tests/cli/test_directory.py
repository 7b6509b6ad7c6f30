"""A run's directory that is full, read-only, taken, damaged or another run's: nothing that was saved is lost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ddtrain.trainer.checkpoint import finder
from ddtrain.trainer.records.metrics import read

STEPS = 48  # enough for metrics.jsonl to need new blocks of the disk after the disk is full
THREADS = ("--comm.backend", "threads:3")
LONG = ("--run.epochs", "12", "--run.dir", "disk/run")


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """``mount(*arguments)``: for the length of a test, in tmp_path; chmod would mean nothing to root."""
    mounted: set[Path] = set()

    def attach(*arguments: str) -> None:
        done = subprocess.run(["mount", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this system forbids mounts: {done.stderr.strip()}")
        mounted.add(tmp_path / arguments[-1])

    yield attach
    for place in mounted:
        subprocess.run(["umount", "--lazy", place], check=True)


@pytest.fixture
def disk(tmp_path: Path, mount: Callable[..., None]) -> Path:
    """A file system of 300 KB."""
    (tmp_path / "disk").mkdir()
    mount("-t", "tmpfs", "-o", "size=300k", "tmpfs", "disk")
    return tmp_path / "disk"


@pytest.fixture
def saved(tmp_path: Path, job: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    """A run stopped after seven steps; its checkpoints are those of steps 4, 5 and 7, or some of them."""
    assert job(0, "--run.dir", "run", "--run.steps", "7").returncode == 0
    return tmp_path / "run"


def test_a_full_disk_costs_new_checkpoints_and_no_old_one(disk, job):
    done = job(3, *LONG, "--fault.kind", "fill_disk", "--fault.rank", "0")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 74
    assert "metrics.jsonl: No space left on device (ENOSPC)" in done.stdout
    assert line.startswith("ddtrain: error: cannot write disk/run/checkpoints/step-00000048: No space left on device")
    assert "bytes wanted: Free some space, or give another --run.dir." in line
    assert "warning: checkpoint of step 10 not saved, training goes on: cannot write" in done.stdout
    assert finder.verify(disk / "run" / "checkpoints" / "step-00000005")["step"] == 5
    assert not list((disk / "run" / "checkpoints").glob(".tmp-*"))
    told = json.loads((disk / "run" / "status.json").read_text())
    assert (told["state"], told["code"], told["step"]) == ("failed", 74, STEPS)


def test_with_room_again_the_run_goes_on_to_the_same_bits(disk, job, tmp_path):
    assert job(0, *LONG, "--fault.kind", "fill_disk", "--fault.rank", "0").returncode == 74
    (disk / "filler").unlink()
    assert job(0, *LONG, "--run.resume", "auto", "--fault.kind=").returncode == 0
    assert job(0, *LONG, "--run.dir", "straight").returncode == 0
    ours, straight = (json.loads((d / "summary.json").read_text()) for d in (disk / "run", tmp_path / "straight"))
    assert ours["params_sha256"] == straight["params_sha256"]
    assert [line["step"] for line in read(disk / "run" / "metrics.jsonl") if "lr" in line] == [*range(1, STEPS + 1)]


def test_lines_wait_for_room(disk, job):
    """The disk is full for a while: the run ends well, and its log has no gap."""
    fill = ("--fault.kind", "fill_disk", "--fault.rank", "0", "--fault.until", "40")
    done = job(1, *LONG, "--checkpoint.every", "47", *fill)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Lines wait in memory") == 1
    assert [line["step"] for line in read(disk / "run" / "metrics.jsonl") if "lr" in line] == [*range(1, STEPS + 1)]


@pytest.mark.parametrize(("resume", "ranks"), [("never", 0), ("auto", 3)])
def test_a_read_only_directory(mount, job, complaint, saved, resume, ranks):
    before = {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()}
    mount("--bind", "run", "run")
    mount("-o", "remount,bind,ro", "run")
    place = "run" if resume == "auto" else "run/new"
    line = complaint(job(ranks, "--run.dir", place, "--run.resume", resume), 74)
    assert line.startswith(f"cannot write {place}")
    assert "Read-only file system (EROFS)" in line
    assert line.endswith("Give a --run.dir that can be written.")
    assert {path: path.read_bytes() for path in saved.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("resume", ["never", "auto"])
def test_a_file_in_the_directorys_place(tmp_path, job, complaint, resume):
    (tmp_path / "run").write_text("mine")
    line = complaint(job(0, "--run.dir", "run", "--run.resume", resume), 74)
    assert line.startswith("cannot write run: File exists (EEXIST): Give a --run.dir that is a directory")
    assert (tmp_path / "run").read_text() == "mine"


def newest(run_dir: Path) -> Path:
    return max((run_dir / "checkpoints").iterdir())


def test_a_damaged_checkpoint_is_refused_by_name_and_an_older_one_used(job, saved):
    path = newest(saved) / "optim.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x99")
    done = job(0, "--run.dir", "run", "--run.resume", "auto", *THREADS)
    assert (done.returncode, done.stderr) == (0, "")
    refusal, resuming = done.stdout.splitlines()[1:3]
    assert refusal.startswith("warning: checkpoint step-00000007 refused: ")
    assert "optim.safetensors: damaged" in refusal
    assert resuming == "resuming from run/checkpoints/step-00000005 after step 5"


def test_a_damaged_checkpoint_that_was_asked_for_is_an_error(job, complaint, saved):
    path = newest(saved) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    line = complaint(job(0, "--run.dir", "new", "--run.resume", str(newest(saved))), 74)
    assert "step-00000007/model.safetensors: damaged: " in line
    assert not Path("new").exists()


def test_no_good_checkpoint_is_no_new_start(job, complaint, saved):
    for path in saved.glob("checkpoints/*/state.json"):
        path.write_text("{}")
    before = (saved / "metrics.jsonl").read_bytes()
    line = complaint(job(0, "--run.dir", "run", "--run.resume", "auto", *THREADS), 74)
    assert line.startswith("run: no checkpoint is good; checkpoint step-00000007 refused: ")
    assert (saved / "metrics.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("digits_mlp",), 2, "recipe 'digits_mlp', but the run to be resumed is of recipe 'faulty'"),
        (
            ("faulty", "--run.dtype", "float64"),
            74,
            "parameter first.weight: checkpoint (10, 6) float32, model (10, 6) float64",
        ),
        (("faulty", "--optim.name", "sgd"), 74, "optimizer state "),
        (("faulty", "--run.seed", "1"), 2, "--run.seed is 1, but the checkpoint's run had 0"),
        (("faulty", "--data.batch-size", "8"), 2, "--data.batch-size is 8, but the checkpoint's run had 7"),
    ],
    ids=["recipe", "dtype", "optimizer", "seed", "batch"],
)
def test_another_runs_checkpoint(job, complaint, saved, args, code, said):
    before = {path: path.read_bytes() for path in (saved / "checkpoints").rglob("*") if path.is_file()}
    lines = list(read(saved / "metrics.jsonl"))
    assert said in complaint(job(0, *args, "--run.dir", "run", "--run.resume", "auto"), code)
    assert {path: path.read_bytes() for path in (saved / "checkpoints").rglob("*") if path.is_file()} == before
    assert list(read(saved / "metrics.jsonl")) == lines


def test_a_directory_with_a_run_is_not_taken_for_another(job, complaint, saved):
    assert complaint(job(0, "--run.dir", "run", *THREADS), 2).startswith(
        "run holds a run already: Give another --run.dir, or"
    )


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_a_config_of_ones_own_is_no_run_of_another_recipe(job, complaint, resume):
    Path("mine").mkdir()
    Path("mine/config.toml").touch()
    line = complaint(job(0, "faulty", "--run.dir", "mine", "--run.resume", resume), 2)
    assert line == "mine has a config.toml that no run has made: Give another --run.dir."
