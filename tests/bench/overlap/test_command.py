"""``bench overlap``: figures of seconds that were made up, and one run over each link. No test looks at a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.bench.__main__ import main
from ddtrain.bench.overlap import command as overlap
from ddtrain.bench.overlap import job as overlap_job
from ddtrain.bench.overlap.netns import two_hosts
from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from worlds import World


def rank(compute: float, communicate: float, step: float) -> dict[str, Any]:
    """What a rank returns that was measured twice, the second time on a machine half as fast."""
    seconds = {"compute": compute, "communicate 8": communicate, "step 8": step}
    return {"batch": 4, "gradient_bytes": 16, "seconds": {name: [x, 2 * x] for name, x in seconds.items()}}


def test_a_step_is_compared_with_the_longer_and_with_the_sum() -> None:
    for compute, communicate in ((4.0, 2.0), (2.0, 4.0)):
        row = overlap.figures([rank(compute, communicate, 5.0)], [8])["buckets"]["8"]
        assert row["of_longer"] == {"median": 1.25, "q1": 1.25, "q3": 1.25, "limit": overlap.LIMIT}
        assert row["of_sum"]["median"] == round(5 / 6, 4)


def test_the_slowest_rank_counts() -> None:
    found = overlap.figures([rank(1.0, 2.0, 5.0), rank(4.0, 1.0, 4.4)], [8])
    assert found["compute_ms"]["median"] == 6000.0
    assert found["buckets"]["8"]["communicate_ms"]["median"] == 3000.0
    assert found["buckets"]["8"]["of_longer"]["median"] == 1.25


def test_the_limit_is_for_the_fastest_bucket() -> None:
    both = rank(4.0, 2.0, 5.0)
    both["seconds"] |= {"communicate 16": [3.0, 6.0], "step 16": [4.2, 8.4]}
    found = overlap.figures([both], [8, 16])
    assert found["best"] == 16
    assert ["limit" in found["buckets"][size]["of_longer"] for size in ("8", "16")] == [False, True]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap_job, "D", 16)
    monkeypatch.setattr(overlap_job, "LAYERS", 3)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("mode", ["sync", "stale"])
def test_every_rank_measures_every_contestant(mode: str) -> None:
    sizes = [1024, 4096]
    found = World("wire:threads:2,latency-us=5,gbit-s=10").run(
        lambda comm: overlap_job.run(comm, 0, sizes, 2.0, mode, 3)
    )
    assert found[0]["batch"] == found[1]["batch"] >= 8
    for each in found:
        assert each["gradient_bytes"] == 4 * 3 * (16 * 16 + 16)
        assert {name: len(x) for name, x in each["seconds"].items()} == {
            "compute": 3,
            **{f"{what} {size}": 3 for size in sizes for what in ("communicate", "step")},
        }


@pytest.mark.usefixtures("small")
def test_communicating_alone_is_the_reduction_of_a_step() -> None:
    def body(comm: Communicator) -> Any:
        with overlap_job._trainer(comm, 8, 1024) as trainer:
            trainer.store.grads[...] = comm.rank + 1.0
            overlap_job._reduction(trainer)()
            return trainer.store.grads.copy()

    for grads in World("threads:2").run(body):
        assert (grads == np.float32(3.0)).all()


@pytest.mark.parametrize("link", ["emulated", "netns"])
def test_a_run_over_each_link(link: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if link == "netns":
        try:
            with two_hosts():
                pass
        except UsageError as error:
            pytest.skip(f"no two hosts here: {error.message}")
    file = tmp_path / "overlap.json"
    args = ["--link", link, "--batch", "8", "--repeats", "1", "--bucket-kb", "512,64", "--json", str(file)]
    assert main(["overlap", *args]) == 0
    result = json.loads(file.read_text())
    assert (result["ranks"], result["batch"], list(result["buckets"])) == (2, 8, ["65536", "524288"])
    assert ("latency-us=50,gbit-s=10" if link == "emulated" else "1 Gbit/s") in result["link"]
    out = capfd.readouterr().out
    assert "512 KiB" in out
    assert result["link"] in out
    assert out.count("(limit 1.1)") == 1


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (["--link", "netn"], "--link netn is neither emulated nor netns: Did you mean netns?"),
        (["--link", "netns", "--ranks", "3"], "--link netns is for 2 ranks, not 3"),
        (["--ranks", "1"], "--ranks 1: one rank does not communicate"),
        (["--ranks", "1000"], "are more than this machine can start"),
        (["--bucket-kb", "64,0"], "--bucket-kb 64,0: expected sizes in KiB"),
        (["--repeats", "0"], "--repeats 0 is out of range: Give 1 or more."),
        (["--balance", "0"], "--balance 0.0 is out of range"),
        (["--balance", "nan"], "--balance nan is out of range"),
        (["--gbit-s", "-1"], "--gbit-s -1.0 is out of range"),
        (["--latency-us", "inf"], "--latency-us inf is out of range"),
        (["--batch", "-1"], "--batch -1 is out of range"),
    ],
)
def test_mistakes_are_one_line(args: list[str], complaint: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["overlap", *args]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert complaint in err
