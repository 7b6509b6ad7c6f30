"""``bench step``: every workload runs as it is meant to, and its figures are all there. No test looks at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.bench import workloads
from ddtrain.bench.__main__ import main
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.step.command import OWN_LIMIT_US, _figures, measure
from ddtrain.bench.workloads import WORKLOADS
from ddtrain.comm import run_ranks
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.optim import Sgd

SMALL = ("tiny_mlp", "small_mlp", "deep_mlp", "mlp", "mlp_bn")
FIGURES = {"about", "batch", "parameters", "repeats", "step_ms", "eager_ms", "own_us", "forward_ms", "backward_ms"}
FIGURES |= {"wait_ms", "samples_per_s", "left_out"}


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_takes_a_step_and_an_eager_pass(name: str) -> None:
    with ours(LocalCommunicator(), name, replace(WORKLOADS[name], batch=2)) as contestant:
        before = contestant.trainer.store.values.copy()
        assert set(contestant.step()) == {"step", "data", "forward", "backward", "wait", "update"}
        after = contestant.trainer.store.values.copy()
        assert np.isfinite(after).all()
        assert (before != after).any()
        assert set(contestant.eager()) == {"eager"}
        assert (contestant.trainer.store.values == after).all(), "the eager pass updates nothing"


def test_the_eager_pass_is_the_whole_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradients that it throws away are those of the step, on the same batch."""
    from ddtrain.bench.peers import ddtrain_steps as module

    walked: list[Any] = []
    walk_back = module.walk_back
    monkeypatch.setattr(module, "walk_back", lambda *args, **kwargs: walked.extend(walk_back(*args, **kwargs)))
    with ours(LocalCommunicator(), "mlp_bn", WORKLOADS["mlp_bn"]) as contestant:
        contestant.eager()
        contestant.trainer.train_step.gradients(0, np.arange(contestant.count))
        for mine, stepped in zip(walked, contestant.trainer.store.grad_views, strict=True):
            assert (mine == stepped).all()


def test_sizes_are_those_of_the_published_table() -> None:
    found = {name: (w.batch, workloads.parameter_count(w)) for name, w in WORKLOADS.items()}
    assert found == {
        "tiny_mlp": (32, 64 * 64 + 64 + 64 * 10 + 10),
        "small_mlp": (64, 64 * 128 + 128 + 128 * 128 + 128 + 1290),
        "deep_mlp": (32, 19 * (64 * 64 + 64) + 650),
        "mlp": (128, 784 * 512 + 512 + 512 * 512 + 512 + 5130),
        "mlp_bn": (128, 784 * 512 + 512 * 512 + 4 * 512 + 5130),
        "nnlm": (256, 10_000 * 64 + 256 * 256 + 256 + 256 * 10_000 + 10_000),
        "gpt": (16, 256 * 128 + 64 * 128 + 4 * (12 * 128**2 + 13 * 128) + 256 + 128 * 256),
        "resnet8": (64, (432 + 32) + (2 * 2304 + 64) + (4608 + 9216 + 512 + 128) + (18432 + 36864 + 2048 + 256) + 650),
        "resnet20": (64, 272_282),  # He et al. count 0.27 million
        "inception": (64, 35_978),
        "lstm": (32, 256 * 256 + 2 * (4 * 256) * (256 + 256 + 2) + 256 * 256 + 256),
        "lenet": (64, 16 * 25 + 16 + 32 * 16 * 25 + 32 + 1568 * 10 + 10),
    }


def test_data_are_the_same_every_time_and_enough_for_every_rank() -> None:
    for name in SMALL:
        once, again = WORKLOADS[name].arrays(2), WORKLOADS[name].arrays(2)
        assert all((a == b).all() for a, b in zip(once, again, strict=True))
        assert len(once[0]) == len(once[1]) == workloads.BATCHES * WORKLOADS[name].batch * 2


@pytest.mark.parametrize("backend", ["local", "threads:2", "threads:3", "null:2"])
def test_json_holds_every_figure(tmp_path: Path, capfd: pytest.CaptureFixture[str], backend: str) -> None:
    file = tmp_path / "bench.json"
    args = ["--workloads", "tiny_mlp,mlp_bn", "--repeats", "2", "--json", str(file), "--backend", backend]
    args += ["--no-memory"]
    assert main(["step", *args]) == 0
    result = json.loads(file.read_text())
    assert set(result) == {"benchmark", "ranks", "backend", "machine", "peers", "workloads"}
    assert result["ranks"] == int(backend.partition(":")[2] or 1)
    assert list(result["workloads"]) == ["tiny_mlp", "mlp_bn"]
    for row in result["workloads"].values():
        assert set(row) == FIGURES
        assert row["repeats"] == 2
        for key in FIGURES:
            if key.endswith(("_ms", "_us")):
                assert row[key]["q1"] <= row[key]["median"] <= row[key]["q3"]
    limits = {name: row["own_us"].get("limit") for name, row in result["workloads"].items()}
    assert limits == {"tiny_mlp": OWN_LIMIT_US if result["ranks"] == 1 else None, "mlp_bn": None}
    shown = capfd.readouterr().out
    assert shown.count("64-64-10") == 1
    assert str(result["workloads"]["tiny_mlp"]["batch"]) in shown
    assert ("share" in shown) == (result["ranks"] > result["machine"]["cores"])


def test_own_is_what_a_step_takes_beside_its_passes() -> None:
    """Of each step by itself: the eager pass, which is timed in turns with it, does not enter."""
    seconds = {
        "step": np.array([100e-6, 300e-6, 200e-6]),
        "forward": np.array([20e-6, 120e-6, 60e-6]),
        "backward": np.array([30e-6, 110e-6, 60e-6]),
        "wait": np.array([5e-6, 5e-6, 5e-6]),
        "eager": np.array([1.0, 1.0, 1.0]),
    }
    own = _figures(seconds, samples=32)["own_us"]
    assert (own["q1"], own["median"], own["q3"]) == (60.0, 70.0, 75.0)


def test_peers_stand_beside_ours_in_table_and_json(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bench.json"
    args = ["--workloads", "tiny_mlp,lenet", "--repeats", "1", "--json", str(file), "--peers", "numpy"]
    assert main(["step", *args, "--no-memory"]) == 0
    rows = json.loads(file.read_text())["workloads"]
    assert set(rows["tiny_mlp"]) == FIGURES | {"numpy_ms", "numpy_ratio"}
    assert rows["tiny_mlp"]["numpy_ratio"] > 0
    assert rows["tiny_mlp"]["left_out"] == {}
    assert set(rows["lenet"]) == FIGURES
    assert rows["lenet"]["left_out"] == {"numpy": "numpy by hand is written for perceptrons alone"}
    out, err = capfd.readouterr()
    assert "ours/numpy" in out
    assert "–: numpy by hand" in out
    assert "lenet: without numpy: numpy by hand is written for perceptrons alone" in err


def test_a_peer_that_computes_something_else_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ddtrain.bench.peers.numpy_steps.OPTIM", Sgd(lr=0.01, momentum=0.0))
    assert main(["step", "--workloads", "tiny_mlp", "--repeats", "1", "--peers", "numpy", "--no-memory"]) == 0
    out, err = capfd.readouterr()
    assert "tiny_mlp: without numpy: numpy computes something else: after" in err
    assert "–: numpy computes something else" in out


def test_repeats_are_chosen_alike_on_all_ranks() -> None:
    chosen: list[int] = []
    run_ranks(
        "threads:2",
        lambda comm: chosen.append(measure(comm, "tiny_mlp", WORKLOADS["tiny_mlp"])["repeats"]),
    )
    assert len(chosen) == 2
    assert chosen[0] == chosen[1] >= 20


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["step", "--workloads", "tiny_mlp", "--repeats", "1", "--peers", "numpy"]) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["stp"], "unknown benchmark 'stp': Did you mean step?"),
        (["step", "--workloads", "tiny_mpl"], "unknown workload 'tiny_mpl': Did you mean tiny_mlp?"),
        (["step", "--workloads", "tiny_mlp,"], "unknown workload ''"),
        (["step", "--peers", "torhc"], "unknown peer 'torhc': Did you mean torch?"),
        (
            ["step", "--peers", "jax", "--backend", "threads:2"],
            "jax trains on one rank, not 2: On several there is torch",
        ),
        (["step", "--repeats", "-1"], "--repeats -1 is out of range"),
        (["step", "--repeats", "many"], "--repeats: expected an integer"),
        (["step", "--repeat", "3"], "unknown option --repeat: Did you mean --repeats?"),
        (["step", "--backend", "smoke"], "'smoke' is not a backend"),
    ],
)
def test_mistakes_are_one_line(
    args: list[str], complaint: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "jax" or find_spec(name))
    assert main(args) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err


def test_a_peer_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["step", "--peers", "torch"]) == 2
    assert "torch is not installed" in capfd.readouterr().err


def test_an_unwritable_json_file_is_an_error_after_the_table(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    args = ["--workloads", "tiny_mlp", "--repeats", "1", "--json", str(tmp_path / "no" / "where.json")]
    args += ["--no-memory"]
    assert main(["step", *args]) == 74
    out, err = capfd.readouterr()
    assert "64-64-10" in out
    assert "where.json" in err


@pytest.mark.parametrize("args", [[], ["--help"], ["step", "--help"]])
def test_help_says_everything(args: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(args) == 0
    shown = capfd.readouterr().out
    wanted = ("--workloads", "--repeats", "--peers", "--json", "--backend") if "step" in args else ("step",)
    assert all(word in shown for word in wanted)
