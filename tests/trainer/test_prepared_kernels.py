"""A run says once what its kernels are not: compiled, or the same on all ranks; a checkpoint says which they were."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ddtrain.checkpoint import main as checkpoint
from ddtrain.comm import run_ranks
from ddtrain.comm.protocol import Communicator
from ddtrain.kernels import native
from ddtrain.trainer import numeric_environment
from ddtrain.trainer.config.config import Checkpoint, Config, Data, Run
from ddtrain.trainer.main import Recipe, run
from helpers import launch, make_task

CONFIG = Config(run=Run(epochs=2), checkpoint=Checkpoint(every=4), data=Data(batch_size=7))
RECIPES = {"tiny": Recipe(CONFIG, lambda config: make_task(dtype=config.run.dtype), "")}
PROGRAM = """
import sys
from ddtrain.trainer.config.config import Config, Data
from ddtrain.trainer.main import Recipe, run
from helpers import make_task
recipes = {"tiny": Recipe(Config(data=Data(batch_size=7)), lambda config: make_task(dtype=config.run.dtype), "")}
sys.exit(run(["tiny", "--run.steps", "2", *sys.argv[1:]], recipes))
"""
thread = threading.local()  # each rank's
INSTEAD = "NumPy computes instead of compiled kernels, more slowly: "


def notes_of(ranks: int) -> list[list[str]]:
    """What each rank of some would print of its kernels."""
    found: dict[int, list[str]] = {}

    def body(comm: Communicator) -> None:
        thread.rank = comm.rank
        found[comm.rank] = numeric_environment.prepared_kernels(comm, "float32")

    assert run_ranks(f"threads:{ranks}", body) == 0
    return [found[rank] for rank in range(ranks)]


def test_nothing_is_said_where_all_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "lost", list)
    monkeypatch.setattr(native, "in_use", lambda dtype: "0123")
    assert notes_of(3) == [[], [], []]


def test_ranks_with_different_kernels_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "lost", list)
    monkeypatch.setattr(native, "in_use", lambda dtype: f"kernels{thread.rank // 2}")
    (said,), *others = notes_of(3)
    assert others == [[said], [said]]
    assert said == (
        "ranks compute with different kernels (rank 0 kernels0, rank 2 kernels1): "
        "the last bits depend on the number of ranks"
    )


def test_what_another_rank_has_lost_is_said_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "in_use", lambda dtype: "0123")
    monkeypatch.setattr(native, "lost", lambda: ["pool: why", "conv: other"] if thread.rank else [])
    assert notes_of(2)[0] == [f"{INSTEAD}rank 1: pool: why; conv: other"]


@pytest.mark.parametrize("ranks", [0, 2])
def test_a_run_without_a_compiler_says_so_once_and_trains(tmp_path: Path, ranks: int) -> None:
    environ = {"DDTRAIN_CACHE": str(tmp_path / "cache"), "DDTRAIN_CC": "no-such-cc"}
    done = launch(ranks, PROGRAM, "--run.dir", "run", cwd=tmp_path, program="-c", **environ, **python_path())
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert said.count(INSTEAD) == 1
    assert f"{INSTEAD}all families: the compiler 'no-such-cc' is not to be found\n" in said


def test_an_unknown_kind_of_kernels_ends_a_run_with_one_error(tmp_path: Path) -> None:
    done = launch(2, PROGRAM, "--run.dir", "run", cwd=tmp_path, program="-c", DDTRAIN_KERNELS="fast", **python_path())
    assert done.returncode == 2
    assert done.stderr.count("DDTRAIN_KERNELS is 'fast'") == 1
    assert "It may be native or reference." in done.stderr
    assert not (tmp_path / "run").exists()


def python_path() -> dict[str, str]:
    """Where the program finds the package, and helpers."""
    here = Path(__file__).parents[1]
    return {"PYTHONPATH": f"{here}:{here.parent}"}


def test_a_checkpoint_says_which_kernels_made_it_and_a_resumed_run_if_they_are_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DDTRAIN_KERNELS", "native")
    options = ["tiny", "--run.dir", str(tmp_path / "run"), "--run.resume", "auto", "--run.steps"]
    assert run([*options, "4"], RECIPES) == 0
    used = native.in_use("float32")
    (state,) = (tmp_path / "run" / "checkpoints").glob("*/state.json")
    assert json.loads(state.read_text())["versions"]["compiled kernels"] == used
    capsys.readouterr()
    assert checkpoint(["show", str(tmp_path / "run")]) == 0
    assert f'"compiled kernels": "{used}"' in capsys.readouterr().out
    monkeypatch.setattr(native, "in_use", lambda dtype: "reference")
    assert run([*options, "5"], RECIPES) == 0
    said = capsys.readouterr().out
    assert (
        said.count(f"compiled kernels is 'reference', but the checkpoint's run had '{used}': last bits may differ") == 1
    )
    assert run([*options, "6"], RECIPES) == 0
    assert "last bits" not in capsys.readouterr().out
