"""``ddtrain search`` and ``python mine.py search`` from the command line, under mpirun, and killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from searches import search, summary

from ddtrain.__main__ import main
from ddtrain.errors import UsageError
from ddtrain.runs import Run
from helpers import launch

SCRIPT = """
import ddtrain
from searches import LineConfig, line_task
if __name__ == "__main__":
    ddtrain.main(line_task, LineConfig())
"""
KILLED = r"""
import os, signal, sys
from pathlib import Path
from ddtrain.comm import run_ranks
from ddtrain.standard_output import say
from searches import study
def tell(line):
    say(line + "\n", sys.stdout)
    if "--kill" in sys.argv and line.startswith("trial 002"):
        os.kill(os.getpid(), signal.SIGKILL)
sys.exit(run_ranks("auto", study(Path(sys.argv[1]), trials=5, tell=tell)))
"""
TESTS = str(Path(__file__).parents[1])
PATHS = os.pathsep.join([str(Path(TESTS).parent), TESTS])


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.toml").write_text("optim.lr = { choices = [0.1, 0.01] }\n")
    (tmp_path / "mine.py").write_text(SCRIPT)
    return tmp_path / "mine.py"


def run(*args: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": PATHS, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, timeout=60, env=env)


def test_a_script_searches_by_its_own_verb_and_by_ddtrains(script: Path) -> None:
    options = ("--space", "space.toml", "--method", "grid", "--run.epochs", "1")
    own = run("mine.py", "search", *options, "--run.dir", "own")
    assert own.returncode == 0, own.stderr
    assert own.stdout.startswith("search of mine: grid, on 1 group of 1 rank, in own\ntrial 000: valid_loss ")
    theirs = run("-m", "ddtrain", "search", "mine.py", *options, "--run.dir", "theirs")
    assert theirs.returncode == 0, theirs.stderr
    assert summary(Path("theirs")) == summary(Path("own"))
    opened = run("mine.py", "eval", "own/trials/000", "own/trials/001")
    assert "ensemble of 2" in opened.stdout, opened.stderr


@pytest.mark.parametrize("verb", ["show", "report", "eval"])
def test_a_search_that_is_opened_as_a_run_names_its_best_trial(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search(tmp_path, trials=2)
    best = tmp_path / "trials" / f"{summary(tmp_path)['winners'][0]:03d}"
    assert main([verb, str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"ddtrain: error: {tmp_path}: a search, not a run; its table is {tmp_path / 'search.html'}: "
        f"Its best trial is a run: ddtrain show {best}, or ddtrain report {best}.\n"
    )
    assert main(["show", str(best)]) == 0
    (tmp_path / "summary.json").unlink()
    with pytest.raises(UsageError, match=r"a search that is not over, not a run\n.*: ddtrain show .*trials/000\."):
        Run(tmp_path)


def test_a_script_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", str(tmp_path / "none.py"), "--space", "space.toml"]) == 2
    assert capsys.readouterr().err.endswith("none.py: no such file\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "the following arguments are required: --space"),
        (("--space", "none.toml"), "--space none.toml: No such file or directory"),
        (("--space", "space.toml", "--method", "gird"), "--method: invalid choice: 'gird'"),
        (("--space", "space.toml", "--run.step", "3"), "unknown option --run.step: Did you mean --run.steps?"),
        (("--space", "space.toml", "--minimize", "a", "--maximize", "b"), "not allowed with"),
    ],
)
def test_what_is_wrong_is_one_line(
    script: Path, args: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["search", "digits_mlp", *args]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_recipe_is_searched_with_its_test_images_apart(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = ("--space", "space.toml", "--method", "grid", "--run.epochs", "1")
    assert main(["search", "digits_softmax", *grid, "--run.dir", "s"]) == 0
    found = summary(Path("s"))
    assert found["ensemble"].keys() >= {"valid_accuracy", "test_accuracy"}
    assert found["combine"] == "probabilities"
    assert "validation = 0.1" in Path("s/trials/000/config.toml").read_text()
    assert json.loads(Path("s/search.json").read_text())["recipe"] == "digits_softmax"


def test_killed_under_mpirun_and_taken_up_again_alone(tmp_path: Path) -> None:
    killed = launch(2, KILLED, str(tmp_path / "search"), "--kill", cwd=tmp_path, program="-c", PYTHONPATH=PATHS)
    assert killed.returncode != 0
    done = list(tmp_path.glob("search/trials/*/trial.json"))
    assert 1 <= len(done) < 5
    assert not (tmp_path / "search" / "summary.json").exists()
    told: list[str] = []
    assert search(tmp_path / "search", trials=5, tell=told.append) == search(tmp_path / "whole", trials=5)
    assert f"taken up again: {len(done)} trainings were over before" in told


def test_the_same_trials_under_mpirun(tmp_path: Path) -> None:
    done = launch(3, KILLED, str(tmp_path / "search"), cwd=tmp_path, program="-c", PYTHONPATH=PATHS)
    assert done.returncode == 0, done.stderr
    assert sorted(line[:9] for line in done.stdout.splitlines() if line.startswith("trial 0")) == [
        f"trial {n:03d}" for n in range(5)
    ]
    assert summary(tmp_path / "search") == search(tmp_path / "whole", trials=5)
