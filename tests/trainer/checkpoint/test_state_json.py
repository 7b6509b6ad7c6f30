"""A state.json with a sound seal and senseless contents is refused by the name of what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint.contents import SEAL, STATE, Snapshot, read_state, sealed
from ddtrain.trainer.checkpoint.finder import load, verify
from ddtrain.trainer.checkpoint.state_json import check_memory
from ddtrain.trainer.checkpoint.writer import write
from ddtrain.trainer.saved_decisions import check_decisions

FRESH = {"skipped": 0, "best": None, "schedule": {}}
SPANS = np.array([[0, 2], [5, 5], [6, 9]])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = Snapshot(
        step=12, epoch=1, position=3, seed=0, model={"w": np.ones(2)}, optim={"v": np.ones(2)},
        metrics={"valid_loss": 0.5}, config={"optim": {"lr": 1}}, coordinator=FRESH,
    )  # fmt: skip
    return write(tmp_path, made)


NONSENSE: list[tuple[str, Any]] = [
    *((name, value) for name in ("step", "epoch", "position", "optim_count", "evaluated") for value in (-1, "6", 1.0)),
    *(("seed", value) for value in (True, 2**64, None)),
    *(("step", value) for value in (True, None, [], 2**63)),
    *(("metrics", value) for value in (None, [], {"valid_loss": None}, {"valid_loss": "low"}, {"valid_loss": [1]})),
    *(("files", value) for value in ({}, None, {"model.safetensors": {}}, {"model.safetensors": 3})),
    *((name, value) for name in ("config", "coordinator", "versions") for value in (None, [], "x")),
    *((name, value) for name in ("params_sha256", "model_sha256") for value in (None, 1, "x" * 64, "ab")),
    ("versions", {"numpy": 2}),
    ("data", 3),
    ("evaluated", 13),
    ("surprise", 1),
]


@pytest.mark.parametrize(("name", "value"), NONSENSE, ids=lambda x: str(x)[:20])
def test_a_field_of_another_type_or_range(path: Path, name: str, value: Any) -> None:
    (path / STATE).write_bytes(sealed({**read_state(path), name: value}))
    with pytest.raises(CheckpointError, match=rf"state\.json: foreign: .*{name}"):
        verify(path)


def test_a_field_that_is_missing(path: Path) -> None:
    state = read_state(path)
    for name in state.keys() - {SEAL, "format", "format_version"}:
        (path / STATE).write_bytes(sealed({other: value for other, value in state.items() if other != name}))
        with pytest.raises(CheckpointError, match=f"foreign: has no '{name}'"):
            verify(path)


@pytest.mark.parametrize("version", [None, 0, True, 1.0, "2", [], {}])
def test_a_version_that_is_none(path: Path, version: Any) -> None:
    (path / STATE).write_bytes(sealed({**read_state(path), "format_version": version}))
    with pytest.raises(CheckpointError, match="format version"):
        verify(path)


def test_a_message_is_of_bearable_length(path: Path) -> None:
    (path / STATE).write_bytes(sealed({**read_state(path), "step": "6" * 15_000}))
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert len(caught.value.one_line) < 1000


@pytest.mark.parametrize(
    "change",
    [
        {"skipped": -1},
        {"skipped": None},
        {"skipped": True},
        {"best": "0.5"},
        {"best": float("inf")},
        {"schedule": None},
    ],
    ids=str,
)
def test_decisions_of_another_kind(change: dict[str, Any]) -> None:
    check_decisions({"skipped": 3, "best": 0.5, "schedule": {}}, FRESH)
    with pytest.raises(CheckpointError, match=next(iter(change))):
        check_decisions(FRESH | change, FRESH)
    with pytest.raises(CheckpointError, match="missing"):
        check_decisions({}, FRESH)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x/sum.a": np.ones(5)}, "'x/sum.a' is the name of no rank's memory"),
        ({"0/sums.a": np.ones(5)}, "'0/sums.a' is the name of no rank's memory"),
        ({"0/spans": np.array([0, 5])}, "0/spans should be spans of a vector of 9"),
        ({"0/spans": np.array([[0, 10]])}, "0/spans should be spans"),
        ({"0/spans": np.array([[-1, 4]])}, "0/spans should be spans"),
        ({"0/spans": np.array([[0.0, 5.0]])}, "0/spans should be spans"),
        ({"0/sum.residual": np.ones(4)}, "0/sum.residual should be 5 numbers"),
        ({"1/own.buffers": np.ones(4)}, "1/spans should be spans"),
        ({"2/spans": SPANS}, "the memory of ranks [0, 2], with gaps"),
    ],
    ids=lambda x: str(x)[:24],
)
def test_memory_that_no_rank_has(change: dict[str, Any], said: str) -> None:
    sound = {"0/spans": SPANS, "0/sum.residual": np.ones(5), "0/own.buffers": np.ones((2, 2))}
    check_memory(sound, 9)
    with pytest.raises(CheckpointError) as caught:
        check_memory(sound | change, 9)
    assert said in caught.value.message
