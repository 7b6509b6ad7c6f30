"""``python -m ddtrain.checkpoint``: a verdict on every checkpoint, what is in it, and an exit code on all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ddtrain.checkpoint import main
from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.finder import checkpoints
from ddtrain.trainer.checkpoint.writer import write


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    for step in (3, 6):
        write(tmp_path, Snapshot(step=step, epoch=0, position=0, seed=0, model={"w": np.ones(2)}, optim={}))
    return tmp_path


def test_good_ones(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(run_dir)]) == 0
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "good, after step 3, parameters ",
        "good, after step 6, parameters ",
    ]


def test_one_flipped_bit(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run_dir / "checkpoints" / "step-00000006" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert main(["verify", str(run_dir)]) == 74
    assert "step-00000006: refused:" in capsys.readouterr().out
    assert main(["verify", str(run_dir / "checkpoints" / "step-00000003")]) == 0


def test_what_a_kill_left_between_two_renames_is_found(run_dir: Path) -> None:
    """A checkpoint that was being replaced counts until the new one is there, and not after it."""
    path = run_dir / "checkpoints" / "step-00000006"
    old = path.rename(path.with_name(".old-step-00000006"))
    assert main(["verify", str(run_dir)]) == 0
    assert main(["verify", str(old)]) == 0
    shutil.copytree(old, path)
    (old / "state.json").unlink()
    assert main(["verify", str(run_dir)]) == 0


def test_a_run_without_checkpoints_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoints").mkdir()
    assert main(["verify", str(tmp_path)]) == 2
    assert main(["verify", str(tmp_path / "checkpoints")]) == 2
    assert "no checkpoint" in capsys.readouterr().err


def test_one_that_a_running_job_removes_meanwhile_is_no_damage(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = run_dir / "checkpoints" / "step-00000001"
    monkeypatch.setattr("ddtrain.checkpoint.checkpoints", lambda path: [*checkpoints(path), gone])
    assert main(["verify", str(run_dir)]) == 0


def test_nothing_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "nowhere")]) == 2
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "no checkpoint" in capsys.readouterr().err


def test_a_wrong_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verfy", "run"]) == 2
    assert "invalid choice: 'verfy'" in capsys.readouterr().err


def test_list_says_which_is_newest_and_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for step, loss in ((3, 0.25), (6, 0.5)):
        metrics = {"valid_loss": loss}
        write(tmp_path, Snapshot(step, 1, 0, 0, model={"w": np.ones(2)}, optim={}, metrics=metrics))
    write(tmp_path, Snapshot(7, 1, 64, 0, model={"w": np.ones(2)}, optim={}))
    assert main(["list", str(tmp_path)]) == 0
    first, second, third = (line.split(": ")[1] for line in capsys.readouterr().out.splitlines())
    assert first == "step 3, epoch 1, 0.0 MB, valid_loss 0.25, best"
    assert second == "step 6, epoch 1, 0.0 MB, valid_loss 0.5"
    assert third == "step 7, epoch 2, 0.0 MB, newest"


def test_show_prints_state_and_tensors_of_the_newest(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(run_dir)]) == 0
    out = capsys.readouterr().out
    assert "step-00000006" in out
    assert "step-00000003" not in out
    assert '"step": 6' in out
    assert "model: 1 tensors\n  w float64 (2,)" in out
    (run_dir / "checkpoints" / "step-00000006" / "model.safetensors").write_bytes(b"")
    assert main(["show", str(run_dir)]) == 74
    assert main(["show", str(run_dir / "checkpoints" / "step-00000003")]) == 0


def test_the_former_name_says_the_new_one(run_dir: Path) -> None:
    command = [sys.executable, "-m", "ddtrain.verify", str(run_dir)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0
    assert ran.stdout.count("good") == 2
    assert ran.stderr == "ddtrain: warning: this is python -m ddtrain.checkpoint verify now\n"
