"""``bench shards``: both trainers take the same batches, and the table says what the shards cost."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ddtrain.bench.__main__ import main
from ddtrain.bench.peers.ddtrain_steps import ours
from ddtrain.bench.workloads import WORKLOADS
from ddtrain.comm.backends.local import LocalCommunicator


def test_the_same_batch_in_shards_is_the_same_step_but_for_rounding() -> None:
    values = []
    for shards in (0, 4):
        with ours(LocalCommunicator(), "tiny_mlp", WORKLOADS["tiny_mlp"], shards=shards, batch=64) as mine:
            assert mine.trainer.train_step.shard_layout.count == max(1, shards)
            mine.step()
            values.append(mine.trainer.store.values.copy())
    assert (values[0] != values[1]).any()
    np.testing.assert_allclose(values[0], values[1], atol=1e-6)  # one step of 0.01 times gradients near 1, in float32


def test_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shards.json"
    assert main(["shards", "--workloads", "tiny_mlp", "--shards", "2", "--repeats", "2", "--json", str(file)]) == 0
    out = capsys.readouterr().out
    assert "2 shards, ms" in out
    row = json.loads(file.read_text())["workloads"]["tiny_mlp"]
    assert row["batch"] == 64
    assert row["ratio"] == pytest.approx(row["shards_ms"]["median"] / row["whole_ms"]["median"], abs=1e-2)
    assert str(row["ratio"]) in out


def test_fewer_shards_than_ranks_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["shards", "--workloads", "tiny_mlp", "--shards", "2", "--backend", "threads:3"]
    assert main(argv) == 2
    assert "--run.shards 2 is less than the 3 ranks" in capsys.readouterr().err
    assert main(["shards", "--repeats", "0"]) == 2
