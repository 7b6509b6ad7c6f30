"""``bench ops``: the programs are what they say, the figures are all there. No test looks at a time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import ddtrain
import ddtrain.numpy
from ddtrain import tree
from ddtrain.bench.__main__ import main
from ddtrain.bench.ops import command as ops
from ddtrain.bench.ops import scaling
from ddtrain.bench.ops.programs import CHAIN, PROGRAMS, PYTHON_BOUND_SIZE, Program
from ddtrain.errors import DdtrainError


@pytest.fixture
def autograd(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A peer of that name: ddtrain in disguise, with operators that a test may replace."""
    peer = SimpleNamespace(value_and_grad=ddtrain.value_and_grad, hessian=ddtrain.hessian)
    monkeypatch.setitem(sys.modules, "autograd", peer)
    monkeypatch.setitem(sys.modules, "autograd.numpy", ddtrain.numpy)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0")
    return peer


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_a_function_of_numpy_and_its_derivative_is_right(name: str) -> None:
    program = PROGRAMS[name]
    fun, (leaves, rebuild) = program.function(np), tree.flatten(program.point)
    generator = np.random.default_rng(0)
    direction = [generator.standard_normal(np.shape(x)) for x in leaves]

    def along(t: float) -> Any:
        return fun(rebuild([x + t * d for x, d in zip(leaves, direction, strict=True)]))

    _, gradient = ddtrain.value_and_grad(program.function(ddtrain.numpy))(program.point)
    found = sum(np.sum(g * d) for g, d in zip(tree.flatten(gradient)[0], direction, strict=True))
    h = 1e-6  # central differences: error h^2 times the third derivative, and rounding 1e-16 / h of the value
    wanted = (along(h) - along(-h)) / (2 * h)
    assert abs(found - wanted) < 1e-6 * max(abs(wanted), abs(along(0.0)))


def test_what_bounds_a_program_is_the_size_of_its_arrays() -> None:
    largest = {name: program.largest(ddtrain.numpy) for name, program in PROGRAMS.items()}
    assert {name for name, n in largest.items() if n > PYTHON_BOUND_SIZE} == {"mlp_wide", "logsumexp_wide"}
    assert largest["chain"] == largest["product_and_sine"] == 1
    assert largest["mlp_wide"] == 784 * 256
    assert CHAIN == 10_000


def test_json_holds_every_figure(tmp_path: Path, capfd: pytest.CaptureFixture[str], autograd: Any) -> None:
    file = tmp_path / "ops.json"
    args = ["--programs", "product_and_sine,hessian", "--repeats", "2", "--peers", "autograd", "--json", str(file)]
    assert main(["ops", *args]) == 0
    result = json.loads(file.read_text())
    assert set(result) == {"benchmark", "machine", "programs"}
    assert result["machine"]["versions"]["autograd"] == "0"
    assert list(result["programs"]) == ["product_and_sine", "hessian"]
    for row in result["programs"].values():
        assert set(row) == {
            "about", "operator", "repeats", "bound", "largest", "ours_us", "autograd_us", "autograd_ratio",
        }  # fmt: skip
        assert row["repeats"] == 2
        assert row["bound"] == "python"
        assert row["autograd_ratio"]["limit"] == 0.5
        for key in ("ours_us", "autograd_us"):
            assert 0 < row[key]["q1"] <= row[key]["median"] <= row[key]["q3"]
    shown = capfd.readouterr().out
    assert "ours/autograd" in shown
    assert shown.count("20 variables") == 1


def test_without_a_peer_there_are_only_our_figures(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", "--programs", "logistic_neuron", "--repeats", "1"]) == 0
    out, err = capfd.readouterr()
    assert "3 weights" in out
    assert "autograd" not in out
    assert err.startswith("logistic_neuron: ")


def test_numpy_bound_programs_have_another_limit(autograd: Any) -> None:
    program = Program(lambda np: lambda x: np.sum(x * x), np.ones(PYTHON_BOUND_SIZE + 1), "one too many")
    row = ops.measure(program, ["autograd"], repeats=1)
    assert (row["bound"], row["autograd_ratio"]["limit"]) == ("numpy", 1.0)


def test_peers_that_disagree_are_not_timed(autograd: Any) -> None:
    autograd.value_and_grad = lambda fun: lambda x: (fun(x), 3.0)
    with pytest.raises(DdtrainError, match=r"autograd has another derivative of x y \+ sin x than ours"):
        ops.measure(PROGRAMS["product_and_sine"], ["autograd"])


def test_scaling_measures_chains_of_every_length(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ops.json"
    assert main(["ops", "--scaling", "--most", "5000", "--json", str(file)]) == 0
    rows = json.loads(file.read_text())["chains"]
    assert [(row["step"], row["nodes"]) for row in rows] == [
        (step, nodes) for step in scaling.STEPS for nodes in (1000, 5000)
    ]
    for row in rows:
        assert row["backward_ratio"]["limit"] == 2.5
        assert 0 < row["held_bytes"] <= row["peak_bytes"]
        assert row["left_bytes"] < 0.05 * row["nodes"] * row["held_bytes"]
    assert "5000" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--programs", "lsmt"], "unknown program 'lsmt': Did you mean lstm?"),
        (["--peers", "torch"], "unknown peer 'torch'"),
        (["--repeats", "-1"], "--repeats -1 is out of range"),
        (["--most", "10"], "--most 10 is out of range: Give 1000 or more."),
        (["--backend", "threads:2"], "bench ops is for one rank, not 2"),
    ],
)
def test_mistakes_are_one_line(args: list[str], complaint: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ops", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err


def test_a_peer_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["ops", "--peers", "autograd"]) == 2
    assert "the peer autograd is not installed for this Python: Install autograd" in capfd.readouterr().err
