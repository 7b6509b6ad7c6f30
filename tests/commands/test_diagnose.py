"""``ddtrain diagnose`` on recipes and scripts, on ranks of mpirun too; mistakes are one line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import Page

from ddtrain.__main__ import main
from ddtrain.commands import script
from ddtrain.runs import diagnosing
from ddtrain.runs.diagnosing import curvature_found
from ddtrain.trainer.config.config import Config
from helpers import launch, make_task

OPTIONS = ("--run.epochs", "2", "--run.limit", "40", "--data.batch-size", "20", "--checkpoint.every", "1")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    directory = str(tmp_path_factory.mktemp("runs") / "digits")
    assert main(["train", "digits_softmax", *OPTIONS, "--checkpoint.keep", "9", "--run.dir", directory]) == 0
    return directory


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    capsys.readouterr()
    assert main(["diagnose", *argv]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


def test_layers_are_tables_and_a_verdict(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = shown(capsys, "layers", run, "--checkpoint", "last")
    assert f"{run}/checkpoints/step-00000004: step 5, 20 samples, loss" in said
    assert [line.split()[:2] for line in said.splitlines() if "Linear" in line] == [
        ["linear", "Linear"]
    ] or "Linear" in said
    assert "update/values" in said
    assert "ok     no layer is out of the ordinary" in said or "WRONG  " in said


def test_curvature_is_told_and_drawn(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "spectrum.html"
    options = ("--batches", "2", "--steps", "12", "--probes", "1", "--epsilon", "1e-3", "-o", str(file))
    said = shown(capsys, "curvature", run, *options, "--dtype", "float64", "--evaluation")
    assert "largest eigenvalue" in said
    assert "sharpness, ε = 0.001, in 100 random dimensions" in said
    assert said.endswith(f"{file}\n")
    assert "eigenvalues" in Page(file.read_text()).text


def test_a_landscape_is_written_into_the_run_unless_told_otherwise(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = shown(capsys, "landscape", run, "--points", "3", "--batches", "1")
    assert said.endswith(f"{run}/landscape.html\n")
    Page(Path(run, "landscape.html").read_text())
    file = str(tmp_path / "line.html")
    options = ("--checkpoint", f"{run}/checkpoints/step-00000001", "--to", "last", "--batches", "1", "-o", file)
    assert "between them it rises" in shown(capsys, "landscape", run, *options)
    Page(Path(file).read_text())


def test_gradients_are_checked(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "weights tried" in shown(capsys, "gradients", run)


@pytest.mark.parametrize("what", ["layers", "curvature", "landscape", "gradients"])
def test_each_explains_itself(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--checkpoint" in shown(capsys, what, "--help")


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["layers", "nowhere"], 2, "nowhere: no run (it has no config.toml)"),
        (["layers", "RUN", "--checkpoint", "nowhere"], 74, "nowhere: no such checkpoint"),
        (["curvature", "RUN", "--steps", "0"], 2, "--steps 0 is out of range"),
        (["landscape", "RUN", "--plane", "flat"], 2, "--plane flat: there is none"),
        (["landscape", "RUN", "-o", "/nowhere/x.html"], 74, "/nowhere/x.html: there is no directory /nowhere"),
        (["landscape", "RUN", "-o", "/"], 74, "cannot write /: Is a directory"),
        (["landscape", "RUN", "--to", "last", "--plane", "pca"], 2, "--to last draws a line, and --plane pca a plane"),
        (["layers", "RUN/checkpoints/step-00000001", "--checkpoint", "last"], 2, "and --checkpoint last another one"),
        (["layers", "RUN", "--backend", "nonsense"], 2, "nonsense"),
        (["wings", "RUN"], 2, "wings"),
    ],
)
def test_mistakes_are_one_line(
    args: list[str], code: int, said: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["diagnose", *(arg.replace("RUN", run) for arg in args)]) == code
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_checkpoint_may_stand_for_its_run(
    run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = f"{run}/checkpoints/step-00000001"
    wanted = shown(capsys, "gradients", run, "--checkpoint", path)
    assert shown(capsys, "gradients", path) == wanted
    monkeypatch.chdir(path)
    assert shown(capsys, "gradients", ".") == wanted
    assert main(["show", path]) == 2
    assert capsys.readouterr().err.endswith(
        f"{path}: a checkpoint, not a run: Give its run, {run}, and it by --checkpoint.\n"
    )


def test_nothing_is_measured_for_a_file_that_cannot_be_written(
    run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diagnosing, "landscape", lambda *args, **options: pytest.fail("it was measured"))
    assert main(["diagnose", "landscape", run, "-o", "/nowhere/x.html"]) == 74


def test_a_whole_hessian_that_takes_long_says_so(
    run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(curvature_found, "_LONG_S", 0.0)
    assert main(["diagnose", "curvature", run, "--dense", "--batches", "1", "--epsilon"]) == 0
    told = capsys.readouterr().err
    assert re.search(r"^the whole Hessian is 650 products, and .*: about [\d.]+ minutes$", told, re.MULTILINE)


def test_a_script_looks_into_its_own_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mine.py"])
    build = lambda config: make_task(dtype=config.run.dtype)
    run = str(tmp_path / "run")

    def call(*argv: Any) -> int:
        with pytest.raises(SystemExit) as ended:
            script.main(build, Config(), [str(arg) for arg in argv])
        return int(ended.value.code or 0)

    assert call("--run.epochs", 1, "--data.batch-size", 7, "--run.dir", run) == 0
    assert call("diagnose", "layers", run) == 0
    assert "BatchNorm" in capsys.readouterr().out
    assert call("diagnose", "layers", run, "--backend", "threads:3") == 0
    assert "BatchNorm" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [("--to", "last", "--plane", "pca"), ("-o", "/nowhere/x.html")])
def test_ranks_of_mpirun_refuse_once(run: str, tmp_path: Path, wrong: tuple[str, ...]) -> None:
    done = launch(2, "diagnose", "landscape", run, *wrong, cwd=tmp_path, program="-mddtrain")
    assert done.returncode != 0
    assert done.stderr.count("error:") == 1, done.stderr


def test_ranks_of_mpirun_say_once_what_one_says(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = launch(2, "diagnose", "layers", run, "--dtype", "float64", cwd=tmp_path, program="-mddtrain")
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown(capsys, "layers", run, "--dtype", "float64")
