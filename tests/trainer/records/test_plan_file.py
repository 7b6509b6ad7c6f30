"""RUN/plan.txt: what steps repeat, written by rank 0 when a plan is made; a run that cannot write it goes on."""

from __future__ import annotations

import errno
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ddtrain.trainer import atomic_files
from ddtrain.trainer.config.config import Config, Data, Run
from ddtrain.trainer.main import Recipe, run
from helpers import Plain, make_task

WORDS = {  # of the first line, by the word before an instruction
    "calls": "calls of compiled kernels",
    "loop": "loops",
    "copies": "copies",
    "view": "views",
    "delivery": "deliveries of gradients",
    "python": "calls from Python",
}
CONFIG = Config(run=Run(epochs=3), data=Data(batch_size=7))
RECIPES = {"tiny": Recipe(CONFIG, lambda config: make_task(Plain(), config.run.dtype), "")}


def train(directory: Path, *options: str) -> int:
    return run(["tiny", "--run.dir", str(directory), "--eval.every", "0", *options], RECIPES)


@pytest.mark.parametrize("backend", ["c", "python"])
@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_every_instruction_is_listed_with_what_became_of_it(tmp_path: Path, backend: str, spec: str) -> None:
    assert train(tmp_path, "--plan.backend", backend, "--comm.backend", spec, "--plan.compile-after", "2") == 0
    head, empty, *lines = (tmp_path / "plan.txt").read_text().splitlines()
    assert empty == ""
    counts = Counter(line.partition(" ")[0] for line in lines if not line.startswith(" "))
    said, _, in_c = head.partition("; ")
    total, _, parts = said.partition(" instructions: ")
    assert int(total) == counts.total()
    assert dict(part.split(" ", 1)[::-1] for part in parts.split(", ")) == {WORDS[k]: str(n) for k, n in counts.items()}
    assert bool(re.fullmatch(r"[1-9]\d* stretches of C, an arena of [\d,]+ bytes", in_c)) == (backend == "c")
    assert sum("cross_entropy_backward(" in line for line in lines) == 1
    assert sum("gradient(" in line for line in lines) == len(make_task(Plain()).model.declarations())
    assert (counts.keys() == {"python"}) == (backend == "python")


def test_rank_0_writes_it_once_in_python_and_once_in_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    real = atomic_files.replace

    def counted(path: Any, data: bytes) -> None:
        written.append(Path(path).name)
        real(path, data)

    monkeypatch.setattr(atomic_files, "replace", counted)
    assert train(tmp_path, "--comm.backend", "threads:3", "--plan.compile-after", "2") == 0
    assert written.count("plan.txt") == 2


def test_steps_without_a_plan_have_none(tmp_path: Path) -> None:
    assert train(tmp_path / "off", "--plan.enabled", "false") == 0
    assert train(tmp_path / "short", "--run.steps", "2") == 0
    assert not list(tmp_path.glob("*/plan.txt"))


def test_a_full_disk_is_told_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = atomic_files.write_new

    def full(path: Path, data: bytes) -> None:
        if "plan.txt" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data)

    monkeypatch.setattr(atomic_files, "write_new", full)
    assert train(tmp_path) == 0
    assert capsys.readouterr().out.count("warning: plan.txt not written: ") == 1
    assert not (tmp_path / "plan.txt").exists()
    assert (tmp_path / "summary.json").exists()
