"""Hooks and modes where a node is more than a rank: four processes that MPICH takes for two machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddtrain.trainer.snapshot import decode
from helpers import launch

pytest.importorskip("mpi4py")
TWO_NODES = {"MPIR_CVAR_NUM_CLIQUES": "2"}  # of MPICH: every other rank is said to live elsewhere


def train(directory: Path, *options: str) -> tuple[str, dict[str, int], dict[str, int]]:
    """Hash of the parameters, bytes sent, and bytes of memory."""
    done = launch(4, "--run.dir", str(directory), *options, cwd=directory.parent, **TWO_NODES)
    assert done.returncode == 0, done.stderr
    summary = json.loads((directory / "summary.json").read_text())
    if summary["memory_bytes"]["sharers"] != 2:
        pytest.skip("this MPI library does not pretend to have two nodes")
    return summary["params_sha256"], summary["gradient_bytes"], summary["memory_bytes"]


def test_a_divided_optimizer_over_two_nodes_gives_the_same_bits_with_less_memory(tmp_path: Path) -> None:
    whole, sent, memory = train(tmp_path / "whole")
    divided, sent_divided, memory_divided = train(tmp_path / "divided", "--comm.sharded-optimizer")
    assert divided == whole
    assert memory_divided["optimizer"] < memory["optimizer"]
    assert sent_divided["exact"] == sent["exact"]


@pytest.mark.parametrize(
    "options",
    [
        ("--comm.hook", "powersgd", "--comm.powersgd-rank", "1"),
        ("--comm.hook", "sign"),
        ("--comm.mode", "diloco", "--comm.sync-every", "4"),
        ("--comm.mode", "stale"),
    ],
    ids=lambda options: options[1],
)
def test_stopped_and_resumed_over_two_nodes(tmp_path: Path, options: tuple[str, ...]) -> None:
    straight, _, _ = train(tmp_path / "straight", *options)
    train(tmp_path / "cut", *options, "--run.steps", "6")
    memory = decode(tmp_path / "cut" / "checkpoints" / "step-00000006").memory
    assert {name.partition("/")[0] for name in memory} == {"0", "1", "2", "3"}
    assert train(tmp_path / "cut", *options, "--run.resume", "auto")[0] == straight
