"""``fit``: what it takes, what it returns, and what it raises."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain
import helpers
from ddtrain.errors import NonFiniteError, UsageError
from ddtrain.optim import Adam
from ddtrain.runs import fit
from ddtrain.trainer.config.config import Config, Optim
from ddtrain.trainer.main import Recipe, run
from helpers import Plain, make_task


def test_a_call_trains_as_the_command_line_does(tmp_path: Path) -> None:
    recipes = {"mine": Recipe(Config(), lambda config: make_task(dtype=config.run.dtype), "")}
    options = ["--run.epochs", "2", "--data.batch-size", "7", "--optim.name", "adam", "--optim.lr", "0.01"]
    assert run([*options, "--run.dir", str(tmp_path / "line")], recipes, only="mine") == 0
    for name, optim in (
        ("table", {"name": "adam", "lr": 0.01}),
        ("part", Adam(lr=0.01)),
        ("kind", Optim(name="adam", lr=0.01)),
    ):
        called = fit(make_task(dtype=np.float32), dir=tmp_path / name, epochs=2, batch_size=7, optim=optim, quiet=True)
        assert called.summary["params_sha256"] == ddtrain.Run(tmp_path / "line").summary["params_sha256"], name


@pytest.mark.parametrize("spec", ["threads:2", "debug:threads:3"])
def test_several_ranks_are_one(spec: str, tmp_path: Path) -> None:
    hashes = {
        fit(
            make_task(), dir=tmp_path / backend, backend=backend, epochs=2, batch_size=7, run={"shards": 4}, quiet=True
        ).summary["params_sha256"]
        for backend in ("local", spec)
    }
    assert len(hashes) == 1


def test_a_function_makes_the_task_of_the_configuration(tmp_path: Path) -> None:
    seen: list[str] = []

    def build(config: Any) -> Any:
        seen.append(config.run.dtype)
        return make_task(dtype=config.run.dtype)

    fit(build, dir=tmp_path / "run", epochs=1, backend="threads:2", dtype="float64", quiet=True)
    assert seen == ["float64"] * 2


def test_nothing_is_printed_when_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fit(make_task(), dir=tmp_path / "run", epochs=1, quiet=True)
    assert capfd.readouterr() == ("", "")
    fit(make_task(), dir=tmp_path / "other", epochs=1, name="mine")
    assert capfd.readouterr().out.startswith("mine on 1 rank (local), seed 0, in ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epoch": 3}, "fit: there is no option 'epoch'\n  Did you mean epochs?"),
        ({"optim": {"momentun": 1}}, "unknown key 'optim.momentun'\n  Did you mean optim.momentum?"),
        ({"optim": "adam"}, "fit: optim='adam' is no section"),
        ({"epochs": 2.5}, "epochs: expected an integer, found 2.5"),
        ({"epochs": -1}, "epochs=-1 is out of range"),
        ({"backend": "thread:2"}, "backend='thread:2' is not a backend"),
    ],
)
def test_mistakes_are_raised_and_leave_nothing(
    options: dict[str, Any], said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        fit(make_task(), dir=tmp_path / "run", **options)
    assert said in str(caught.value)
    assert not (tmp_path / "run").exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("backend", ["local", "threads:3"])
def test_what_ends_a_run_is_raised_not_printed(backend: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    task = make_task(Plain())
    task.train.arrays[0][5] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(NonFiniteError):
        fit(task, dir=tmp_path / "run", backend=backend, epochs=1, batch_size=7, quiet=True)
    assert capfd.readouterr() == ("", "")
    assert ddtrain.Run(tmp_path / "run").state == "failed"


UNDER_MPIRUN = r"""
import ddtrain
from ddtrain.errors import UsageError
from helpers import make_task

run = ddtrain.fit(make_task(), dir="run", epochs=1, batch_size=7, run={"shards": 3}, quiet=True)
print(f"{run.state} {run.summary['ranks']} {run.summary['params_sha256']}\n", end="")
try:
    ddtrain.fit(make_task(), dir="other", epochs=-1, quiet=True)
except UsageError as error:
    print(f"{error.message}\n", end="")
again = ddtrain.fit(make_task(), dir="again", epochs=1, batch_size=7, run={"shards": 3}, quiet=True)
print(f"{again.summary['params_sha256']}\n", end="")
"""


def test_under_mpirun_every_rank_gets_the_run_and_the_error(tmp_path: Path) -> None:
    alone = fit(make_task(), dir=tmp_path / "alone", epochs=1, batch_size=7, run={"shards": 3}, quiet=True)
    expected = alone.summary["params_sha256"]
    tests = Path(helpers.__file__).parent
    path = os.pathsep.join(map(str, (tests.parent, tests)))
    done = helpers.launch(2, UNDER_MPIRUN, cwd=tmp_path, program="-c", PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    refused = "epochs=-1 is out of range"
    assert sorted(done.stdout.splitlines()) == sorted([f"completed 2 {expected}", refused, expected] * 2)
