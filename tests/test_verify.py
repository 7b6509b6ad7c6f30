"""``python -m ddtrain.verify``: a verdict on every checkpoint, and an exit code on all."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ddtrain.trainer.checkpoint.contents import Snapshot
from ddtrain.trainer.checkpoint.manager import checkpoints, write
from ddtrain.verify import main


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    for step in (3, 6):
        write(tmp_path, Snapshot(step=step, epoch=0, position=0, seed=0, model={"w": np.ones(2)}, optim={}))
    return tmp_path


def test_good_ones(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(run_dir)]) == 0
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "good, after step 3, parameters ",
        "good, after step 6, parameters ",
    ]


def test_one_flipped_bit(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = run_dir / "checkpoints" / "step-00000006" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert main([str(run_dir)]) == 74
    assert "step-00000006: refused:" in capsys.readouterr().out
    assert main([str(run_dir / "checkpoints" / "step-00000003")]) == 0


def test_what_a_kill_left_between_two_renames_is_found(run_dir: Path) -> None:
    """A checkpoint that was being replaced counts until the new one is there, and not after it."""
    path = run_dir / "checkpoints" / "step-00000006"
    old = path.rename(path.with_name(".old-step-00000006"))
    assert main([str(run_dir)]) == 0
    assert main([str(old)]) == 0
    shutil.copytree(old, path)
    (old / "state.json").unlink()
    assert main([str(run_dir)]) == 0


def test_a_run_without_checkpoints_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoints").mkdir()
    assert main([str(tmp_path)]) == 2
    assert main([str(tmp_path / "checkpoints")]) == 2
    assert "no checkpoint" in capsys.readouterr().err


def test_one_that_a_running_job_removes_meanwhile_is_no_damage(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = run_dir / "checkpoints" / "step-00000001"
    monkeypatch.setattr("ddtrain.verify.checkpoints", lambda path: [*checkpoints(path), gone])
    assert main([str(run_dir)]) == 0


def test_nothing_to_verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2
    assert main([]) == 2
    assert main(["--help"]) == 0
    assert "no checkpoint" in capsys.readouterr().err
