"""``bench predict``: figures of steps that were made up, and one run from command line to picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ddtrain.bench import mpirun
from ddtrain.bench.__main__ import main
from ddtrain.bench.peers.ddtrain_steps import training
from ddtrain.bench.predict import command as predict
from ddtrain.bench.predict.extrapolation import Model, Where, compare, handling_of, profile_of, world_of
from ddtrain.bench.predict.job import Recorder
from ddtrain.bench.predict.networks import MESSAGES, ONE_NODE, Fabric
from ddtrain.bench.predict.simulation import Handling, Moment, Profile, World, simulate
from ddtrain.bench.trainables import find
from ddtrain.comm.backends.null import NullCommunicator
from ddtrain.errors import UsageError

NOTHING = Handling()
WHOLE = Profile(8, [Moment(8.0)], backward_s=8.0, update_s=0.0, rest_s=0.0, spans=[(0, 1000)])  # a second a sample
HALF = replace(WHOLE, batch=4, moments=[Moment(4.0)], backward_s=4.0)


def model(fabric: Fabric, mode: str = "weak") -> Model:
    return Model([HALF, WHOLE], 8, Where(fabric, NOTHING, NOTHING, mode, bucket_bytes=1 << 20))


def test_without_communication_efficiency_is_one() -> None:
    for mode in ("weak", "strong"):
        assert model(ONE_NODE, mode).efficiency(4) == pytest.approx(1.0)
    assert model(ONE_NODE).row(4)["samples_per_s"] == 4.0
    assert model(ONE_NODE, "strong").row(4)["samples_per_s"] == 4.0
    assert model(ONE_NODE).takeover_ranks() == {"ranks_equal": None, "ranks_half": None}


def test_communication_takes_over_where_it_does_by_hand() -> None:
    """At 1000 bytes a second 4000 take 8 (P - 1) / P s, and the decision 0.128 (P - 1) / P: 8 s with 64 ranks."""
    fast = model(Fabric(0.0, 1000.0))
    assert fast.step(2).exposed_s == 4.0
    assert fast.takeover_ranks() == {"ranks_equal": 64, "ranks_half": 64}
    slow = model(Fabric(0.0, 500.0))  # twice that: more than 8 s with two
    assert slow.takeover_ranks() == {"ranks_equal": 2, "ranks_half": 2}
    found = slow.takeover_batch(2)  # a second a sample against 8.128 s
    assert found == {"at_ranks": 2, "batch_equal": 9, "batch_half": 9}


def test_strong_scaling_shares_the_batch() -> None:
    shared = model(Fabric(0.0, 1000.0), "strong")
    assert shared.step(4).compute_s == 2.0
    assert shared.row(4)["samples_per_s"] == pytest.approx(8 / shared.step(4).step_s, abs=0.1)
    assert shared.takeover_ranks()["ranks_half"] == 2, "8 s on one, 4 + 4 + 0.064 on two"


def test_sums_cost_what_their_way_costs() -> None:
    inside, messages = Handling(1.0, 0.5, 2.0), Handling(10.0, 4.0, 20.0)
    two_level = Fabric(0.0, 1.0, ranks_per_node=4)
    assert world_of(4, two_level, inside, messages).handling == inside
    assert world_of(4, two_level, inside, messages).shared == 4
    assert world_of(2, MESSAGES, inside, messages).handling == messages
    assert world_of(8, two_level, inside, messages).handling == Handling(11.0, 0.5 + 4.0 / 4, 22.0), "a slice each"
    # slices among three: two rounds, 2 (3 - 1) / 3 bytes for one round's 1
    found = world_of(3, MESSAGES, inside, messages).handling
    assert (found.latency_s, found.s_per_byte) == (40.0, pytest.approx(4.0 * 4 / 3))


def rank(steps: int = 10, seconds: float = 9.0, backward_s: float = 8.0) -> dict[str, Any]:
    """What a rank of the job returns: sums take 1 s and 1/1000 s a byte, by messages twice that."""
    sums = {
        str(n): {
            way: [{"began": 0.0, "ended": times * (1 + n / 1000), "steps": 1}]
            for way, times in (("ours", 1), ("messages", 2))
        }
        for n in (4, 1000, 100_000)
    }
    profile = {"moments": [{}], "rows": [[[backward_s] * 5] * 2]}
    turns = {"ours": [{"began": 0.0, "ended": steps * seconds, "steps": steps}]}
    return {**profile, "spans": [[0, 1000]], "itemsize": 4, "batch": 16, "launch_s": 0.25, "sums": sums, "turns": turns}


def test_the_slowest_rank_sets_the_pace() -> None:
    found = profile_of([rank(backward_s=7.0), rank(backward_s=8.0)])
    assert (found.batch, found.backward_s, found.moments) == (8, 8.0, [Moment(8.0)])


def test_between_meetings_the_slowest_sets_the_pace_step_by_step() -> None:
    """Two ranks, one turn of two steps, a collective at 1 s: each rank is a second late in one half of one step."""
    usual, late_first, late_second = [1.0, 2.0, 2.0, 3.0, 3.0], [2.0, 3.0, 3.0, 4.0, 4.0], [1.0, 3.0, 3.0, 4.0, 4.0]
    what = {"moments": [{"operation": "sum", "nbytes": 4}], "spans": [], "itemsize": 4, "batch": 16}
    ranks = [{**what, "rows": [[late_first, usual]]}, {**what, "rows": [[usual, late_second]]}]
    found = profile_of(ranks)
    assert found.moments[0].at_s == 1.5, "one of two steps is late"
    assert found.backward_s == 1.5 + 1.5
    assert (found.update_s, found.rest_s) == (1.0, 0.0)
    assert profile_of(ranks[:1]).moments[0].at_s == 1.5
    assert profile_of(ranks[:1]).backward_s == 2.5


def test_what_sums_cost_is_the_line_through_their_times() -> None:
    found = handling_of([rank(), rank()], "messages")
    assert found.launch_s == 0.25
    assert found.latency_s == pytest.approx(1.75)
    assert found.s_per_byte == pytest.approx(0.002)
    assert handling_of([rank()], "ours") == NOTHING, "one rank adds nothing"


def test_an_error_is_that_of_the_prediction() -> None:
    """In a node: 8 s, handling 0.25 + 4, others' answer 0.75, two meetings of that, and the decision's 1."""
    where = Where(ONE_NODE, NOTHING, NOTHING, "weak", 1 << 20)
    found = compare(2, [[rank(seconds=15.5)] * 2], where)
    assert found["predicted_ms"] == pytest.approx(1e3 * (8 + 4.25 + 0.75 + 1.5 + 1.0))
    assert found["error_percent"] == pytest.approx(0.0, abs=0.01)
    assert compare(2, [[rank(seconds=31.0)] * 2], where)["error_percent"] == pytest.approx(-50.0)


def test_a_prediction_behind_the_wire_is_one_of_single_ranks_without_gaps() -> None:
    named = Where(Fabric(1.0, 1000.0, ranks_per_node=4, gap_s=5.0), NOTHING, NOTHING, "weak", 1 << 20)
    found = compare(2, [[rank()] * 2], named)
    messages = handling_of([rank()] * 2, "messages")
    wanted = simulate(profile_of([rank()] * 2), World(2, Fabric(1.0, 1000.0), messages, messages), 1 << 20)
    assert found["predicted_ms"] == pytest.approx(1e3 * wanted.step_s)


def test_the_recorder_sees_every_gradient_in_the_order_of_backward_and_changes_nothing() -> None:
    job = find("mlp_bn", batch=8)
    config, task = job.config_of("weak", 2), job.task(2)
    with training(NullCommunicator(2), "plain", config, task) as plain:
        plain.take_step()
        wanted = plain.store.sha256()
    with training(NullCommunicator(2), "recorded", config, task) as trainer, Recorder(trainer) as recorder:
        recorder.step()
        assert trainer.store.sha256() == wanted
        recorder.rows *= 3
        found = {**recorder.found(steps=2), "batch": 16}
        profile = profile_of([found, found])
    moments = profile.moments
    ready = [moment.parameter for moment in moments if not moment.operation]
    assert sorted(ready) == list(range(len(trainer.store.names)))
    assert max(ready[:2]) == len(trainer.store.names) - 1, "the last layer comes first"
    times = [moment.at_s for moment in moments]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] <= profile.backward_s
    kinds = [(moment.operation, moment.hidden) for moment in moments if moment.operation]
    assert kinds == [("allgather", False)] * 2 + [("sum", True)] + [("sum", False)] * 2, "moments; totals; cotangents"


@pytest.mark.parametrize("network", ["50,10", "node"])
def test_from_command_line_to_picture(network: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    file, picture = tmp_path / "predict.json", tmp_path / "predict.png"
    args = ["--network", network, "--ranks", "2..8", "--validate", "2", "--repeats", "1", "--seconds", "0.1"]
    assert main(["predict", "tiny_mlp", *args, "--json", str(file), "--plot", str(picture)]) == 0
    result = json.loads(file.read_text())
    assert list(result["ranks"]) == ["2", "4", "8"]
    assert list(result["validated"]) == ["2"]
    assert result["validated"]["2"]["predicted_ms"] > 0
    assert set(result["takeover"]) == {"ranks_equal", "ranks_half", "at_ranks", "batch_equal", "batch_half"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    out, err = capfd.readouterr()
    assert "efficiency is below 0.5" in out
    assert ("over wire:mpi,latency-us=50,gbit-s=10" in err) == (network == "50,10")


@pytest.mark.parametrize("text", ["0", "0..4", "x", "2..", "4..2", "8..2..4", "", "1,2000000"])
def test_ranks_are_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="expected numbers of ranks"):
        predict.parse_ranks(text)


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["tiny_mpl"], "unknown recipe or workload 'tiny_mpl': Did you mean tiny_mlp?"),
        (["mlp", "--network", "10gb"], "unknown network '10gb': Did you mean 10gbe? There are 1gbe, 10gbe"),
        (["mlp", "--validate", "0"], "--validate 0: expected numbers of ranks"),
        (["mlp", "--validate", "100000"], "100000 ranks are more than this machine can start"),
        (["mlp", "--mode", "stong"], "neither weak nor strong: Did you mean strong?"),
        (["mlp", "--mode", "strong", "--batch", "1", "--validate", "2"], "too few for 2 ranks to share"),
        (["mlp", "--bucket-bytes", "-1"], "--bucket-bytes -1 is out of range"),
        (["mlp", "--seconds", "0"], "--seconds 0.0 is out of range"),
        (["mlp", "--plot", "predict"], "unknown kind of picture"),
    ],
)
def test_mistakes_are_one_line_before_any_rank_starts(
    args: list[str], complaint: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpirun, "launch", lambda *args, **kwargs: pytest.fail("a rank was started"))
    assert main(["predict", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err
