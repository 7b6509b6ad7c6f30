"""``bench optimizers``: runs are those that they say, and the figures are all there. No test looks at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ddtrain
from ddtrain.bench.__main__ import main
from ddtrain.bench.optimizers import quadratic, updates
from ddtrain.bench.optimizers.command import by_gradient
from ddtrain.bench.optimizers.problems import PROBLEMS
from ddtrain.optim import OPTIMIZERS, Optim

LAMBDA = np.geomspace(1e-4, 1.0, 100)  # of the quadratic, whose run begins at 1 along every eigenvector
UPDATES = ["--elements", "50", "--repeats", "1"]
QUADRATIC = ["--recipes", "quadratic", "--repeats", "0"]


def measured(tmp_path: Path, *args: str) -> Any:
    """The figures of a run of the benchmark."""
    file = tmp_path / "optimizers.json"
    assert main(["optimizers", *args, "--json", str(file)]) == 0
    return json.loads(file.read_text())


def test_the_quadratic_is_as_steep_as_it_says_and_not_along_the_axes() -> None:
    task = quadratic.task()
    start = task.model.init(0, np.float64)["x"]
    loss = lambda x: task.loss(task.model.bind({"x": x}), np.ones(1))[0]
    hessian = ddtrain.hessian(loss)(start)
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), LAMBDA, rtol=1e-3)
    np.testing.assert_allclose(loss(start), 0.5 * LAMBDA.sum(), rtol=1e-6)
    assert np.abs(hessian - np.diag(np.diag(hessian))).max() > 0.01


def test_a_whole_run_has_the_length_of_its_epochs() -> None:
    steps = {name: problem.steps(problem.build()) for name, problem in PROBLEMS.items()}
    assert steps == {"digits_mlp": 10 * 23, "fashion_cnn": 94, "quadratic": 1000}


@pytest.mark.parametrize("name", ["sgd", "sam"])
def test_a_run_takes_the_optimizers_own_steps_at_the_rates_of_the_grid(tmp_path: Path, name: str) -> None:
    result = measured(tmp_path, "--what", name, "--grid", "0.5,3", "--steps", "1", *QUADRATIC)
    row = result["problems"]["quadratic"]["optimizers"][name]
    rho = Optim(name="sam").rho if name == "sam" else 0.0
    probed = LAMBDA * (1 + rho * LAMBDA / np.linalg.norm(LAMBDA))  # the gradient at x + rho g / |g|, with x = 1
    for found, factor in zip(row["losses"], [0.5, 3.0], strict=True):
        assert (found["factor"], found["lr"]) == (factor, pytest.approx(0.1 * factor))
        assert found["loss"] == pytest.approx(0.5 * np.sum(LAMBDA * (1 - 0.1 * factor * probed) ** 2), rel=1e-5)
    assert row["best"] == row["losses"][1]


def test_every_optimizer_has_all_figures(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = measured(tmp_path, "--recipes", "digits_mlp,quadratic", "--grid", "1", "--steps", "2", *UPDATES)
    assert set(result) == {"benchmark", "machine", "grid", "elements", "problems", "updates"}
    assert list(result["problems"]) == ["digits_mlp", "quadratic"]
    for name, problem in result["problems"].items():
        assert set(problem) == {"about", "steps", "optimizers"}
        assert problem["steps"] == 2
        left_out = {"newton"} if name == "digits_mlp" else set()  # its Hessian would be too large
        assert list(problem["optimizers"]) == [name for name in OPTIMIZERS if name not in left_out]
        for row in problem["optimizers"].values():
            assert set(row) == {"losses", "best", "step_ms"}
            assert row["best"] in row["losses"]
            assert 0 < row["step_ms"]["q1"] <= row["step_ms"]["median"] <= row["step_ms"]["q3"]
    assert list(result["updates"]) == by_gradient(OPTIMIZERS)
    for row in result["updates"].values():
        assert set(row) == {"moved_bytes", "update_ms", "copy_ms", "ratio"}
        assert row["ratio"]["limit"] == 1.3
    shown = capfd.readouterr().out
    assert all(shown.count(f"  {name} ") == 3 for name in by_gradient(OPTIMIZERS))
    assert shown.count("cores of") == 1


def test_optimizers_are_sorted_by_loss_and_a_run_that_diverged_has_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    args = ["--what", "sgd,adam", "--steps", "3", *QUADRATIC]
    rows = measured(tmp_path, *args, "--grid", "1e-9,1e20")["problems"]["quadratic"]["optimizers"]
    assert [run["loss"] is None for run in rows["sgd"]["losses"]] == [False, True]
    assert rows["sgd"]["best"]["factor"] == 1e-9
    rows = measured(tmp_path, *args, "--grid", "1e30")["problems"]["quadratic"]["optimizers"]
    assert rows["sgd"]["best"] is None
    capfd.readouterr()
    assert main(["optimizers", *args, "--grid", "40"]) == 0  # a rate of 4 for sgd, of 0.04 for adam
    shown = capfd.readouterr().out
    assert 0 < shown.index("  adam ") < shown.index("  sgd ")


def test_a_copy_moves_the_bytes_of_the_update(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    copyto = np.copyto
    monkeypatch.setattr(np, "copyto", lambda to, source: (copied.append(source.nbytes), copyto(to, source)))
    row = updates.measure(["amsgrad"], 1000, repeats=1)["amsgrad"]
    # amsgrad reads values, gradients and three vectors, and writes values and the three
    assert row["moved_bytes"] == (5 + 4) * 1000 * 4
    assert set(copied) == {row["moved_bytes"] // 2}, "read once and written once"


def test_updates_alone_and_of_a_single_number(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    args = ["--what", "lars,nesterov", "--elements", "1", "--repeats", "2"]
    result = measured(tmp_path, "--recipes", "none", *args)
    assert result["problems"] == {}
    assert list(result["updates"]) == ["lars", "nesterov"]
    out, err = capfd.readouterr()
    assert "update/copy" in out
    assert err.startswith("update of lars: ")


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["optimizers", "sgd", "--steps", "1", "--grid", "1", *QUADRATIC]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--what", "adm"], "unknown optimizer 'adm': Did you mean adam? There are sgd, "),
        (["--recipes", "quadratc"], "unknown recipe 'quadratc': Did you mean quadratic? There are digits_mlp, "),
        (["--grid", "1,x"], "--grid '1,x' is no list of finite numbers above 0: Write --grid 0.1,0.3,1,3."),
        (["--grid", "0"], "--grid '0' is no list of finite numbers above 0"),
        (["--grid", "nan"], "--grid 'nan' is no list of finite numbers above 0"),
        (["--grid", ""], "--grid '' is no list of finite numbers above 0"),
        (["--steps", "-1"], "--steps -1 is out of range: Give 0 or more."),
        (["--elements", "0"], "--elements 0 is out of range: Give 1 or more."),
        (["--repeats", "-1"], "--repeats -1 is out of range: Give 0 or more."),
        (["--recipes", "none", "--repeats", "0"], "--recipes none and --repeats 0 leave nothing to measure"),
        (["--backend", "threads:2"], "bench optimizers is for one rank, not 2: Start it without mpirun."),
    ],
)
def test_mistakes_are_one_line(args: list[str], complaint: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["optimizers", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err
