"""``bench scaling``: figures of turns that were made up, and one run from command line to picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddtrain.bench import mpirun, trainables
from ddtrain.bench.__main__ import main
from ddtrain.bench.model_collectives import listening
from ddtrain.bench.scaling import command as scaling
from ddtrain.comm.backends.null import NullCommunicator


def turn(began: float, ended: float, **parts: float) -> dict[str, float]:
    return {"began": began, "ended": ended, "steps": 10, "forward": 1.0, "wait": 0.5, "blocked": 0.5, **parts}


def launch(*ranks: dict[str, Any]) -> list[dict[str, Any]]:
    """What a launch returns when each rank had one turn, and its null turn took a second."""
    facts = {"batch": 64, "parameters": 10, "gradient_bytes": 40, "trace_calls": 2, "trace_bytes": 16}
    null = [{"began": 0.0, "ended": 1.0, "steps": 10}]
    return [{**facts, "turns": {"ours": [rank], "null": null}} for rank in ranks]


def test_a_turn_lasts_from_the_first_start_to_the_last_end() -> None:
    found = scaling.figures([launch(turn(0.0, 1.5), turn(0.5, 2.0))])
    assert found["samples_per_s"]["median"] == 64 * 10 / 2.0
    assert found["null_samples_per_s"]["median"] == 64 * 10 / 1.0
    assert found["null_ratio"]["median"] == 0.5
    assert found["step_ms"] == 200.0


def test_parts_add_up_to_each_ranks_own_time() -> None:
    found = scaling.figures([launch(turn(0.0, 2.0), turn(0.0, 3.0, forward=2.0))])
    assert found["ranks_ms"][0] == {"forward": 100.0, "wait": 50.0, "other": 50.0, "blocked": 50.0}
    assert found["ranks_ms"][1] == {"forward": 200.0, "wait": 50.0, "other": 50.0, "blocked": 50.0}
    assert found["parts_ms"] == {"forward": 150.0, "wait": 50.0, "other": 50.0, "blocked": 50.0}


def test_the_slow_rank_is_the_one_that_waits_least() -> None:
    found = scaling.figures([launch(turn(0, 2, blocked=0.9), turn(0, 2, blocked=0.1), turn(0, 2, blocked=0.8))])
    assert found["slowest_rank"] == 1


def test_launches_count_alike() -> None:
    launches = [launch(turn(0.0, seconds), turn(0.0, seconds)) for seconds in (1.0, 2.0, 4.0)]
    assert scaling.figures(launches)["samples_per_s"] == {"median": 320.0, "q1": 240.0, "q3": 480.0}


def test_weak_scaling_keeps_a_ranks_batch_and_strong_scaling_the_whole() -> None:
    job = trainables.find("digits_mlp", batch=48)
    assert [job.config_of("weak", n).data.batch_size for n in (1, 4)] == [48, 192]
    assert [job.config_of("strong", n).data.batch_size for n in (1, 4)] == [48, 48]
    assert job.config_of("weak", 1).optim == job.config.optim, "a recipe's own optimizer"


def test_collectives_of_the_model_are_counted() -> None:
    """Two batch-norm layers, each with one gathering of moments forward and one sum of their cotangents backward."""
    from ddtrain.bench.peers.ddtrain_steps import training

    job = trainables.find("mlp_bn")
    comm = NullCommunicator(2)
    with training(comm, "mlp_bn", job.config_of("weak", 2), job.task(2)) as trainer:
        before = trainer.train_step.shards.channel
        with listening(trainer) as calls:
            trainer.take_step()
        assert trainer.train_step.shards.channel is before
    assert len(calls) == 4
    assert sum(call.nbytes for call in calls) >= 2 * 2 * 2 * 512 * 4, "two figures a feature, twice a layer, in float32"


def test_efficiency_is_against_one_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {1: 1.0, 2: 1.6, 4: 4.0}  # of turns of ten steps of n batches

    def fake(ranks: int, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        found = launch(*[turn(0.0, seconds[ranks])] * ranks)
        return [{**rank, "batch": 64 * ranks} for rank in found]

    monkeypatch.setattr(mpirun, "launch", fake)
    found = scaling.measure(trainables.find("mlp"), [1, 2, 4], scaling.Options(repeats=2))
    assert {n: row["efficiency"] for n, row in found["sizes"].items()} == {"1": 1.0, "2": 0.625, "4": 0.25}


def test_from_command_line_to_picture(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file, picture = tmp_path / "scaling.json", tmp_path / "scaling.png"
    args = ["--ranks", "2", "--repeats", "1", "--seconds", "0.1", "--json", str(file), "--plot", str(picture)]
    assert main(["scaling", "tiny_mlp", *args]) == 0
    result = json.loads(file.read_text())
    assert list(result["subjects"]["tiny_mlp"]["sizes"]) == ["1", "2"], "one rank, to compare with"
    two = result["subjects"]["tiny_mlp"]["sizes"]["2"]
    assert two["batch"] == 64
    assert two["gradient_bytes"] == 4 * 4810
    assert len(two["ranks_ms"]) == 2
    assert two["oversubscribed"] == (result["machine"]["cores"] < 2)
    assert picture.read_bytes().startswith(b"\x89PNG")
    out, err = capfd.readouterr()
    assert "weak scaling" in out
    assert "tiny_mlp, 2 ranks (1/1)" in err


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["tiny_mpl"], "unknown recipe or workload 'tiny_mpl': Did you mean tiny_mlp?"),
        (["digits_mlp", "--peers", "torch"], "digits_mlp is a recipe, and peers train workloads"),
        (["mlp", "--ranks", "0"], "--ranks 0: expected numbers of ranks"),
        (["mlp", "--ranks", "1,x"], "--ranks 1,x: expected numbers of ranks"),
        (["mlp", "--ranks", "1,100000"], "100000 ranks are more than this machine can start"),
        (["mlp", "--mode", "week"], "--mode week is neither weak nor strong: Did you mean weak?"),
        (["mlp", "--mode", "strong", "--batch", "3", "--ranks", "4"], "too few for 4 ranks to share"),
        (["mlp", "--batch", "-1"], "--batch -1 is out of range"),
        (["mlp", "--repeats", "0"], "--repeats 0 is out of range"),
        (["mlp", "--seconds", "0"], "--seconds 0.0 is out of range"),
        (["mlp", "--peers", "troch"], "unknown peer 'troch': Did you mean torch?"),
        (["mlp", "--plot", "scaling.gif"], "unknown kind of picture"),
    ],
)
def test_mistakes_are_one_line_before_any_rank_starts(
    args: list[str], complaint: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpirun, "launch", lambda *args, **kwargs: pytest.fail("a rank was started"))
    find_spec = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "torch" or find_spec(name))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0")
    assert main(["scaling", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err


def test_a_picture_needs_matplotlib(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["scaling", "mlp", "--plot", "scaling.png"]) == 2
    assert "--plot needs matplotlib: Install ddtrain[plots]" in capfd.readouterr().err


def test_ranks_that_fail_end_the_benchmark_with_their_code(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["scaling", "tiny_mlp", "--ranks", "2", "--repeats", "1", "--backend", "smoke"]) == 2
    assert "'smoke' is not a backend" in capfd.readouterr().err
