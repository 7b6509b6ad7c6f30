"""Every optimizer on several ranks: N ranks are one rank, with shards to the bit, as with state sharded over nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from part_runs import check

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.optim import BatchMethod, Optim
from ddtrain.trainer.config.config import Comm, Config, Data, Run
from ddtrain.trainer.main import Recipe, run
from helpers import SAMPLES, Plain, largest_difference, make_task, sgd_config, train
from worlds import World

STEPS = 12
WHOLE = [name for name, part in Optim.parts.items() if issubclass(part, BatchMethod)]
BY_GRADIENT = [name for name in Optim.parts if name not in WHOLE]  # tests/trainer/modes/test_trial_points.py: others


def optim(name: str) -> Any:
    return Optim(name=name, **({"weight_decay": 1e-3} if name in Optim.parts["sgd"].having("weight_decay") else {}))


def config(name: str, **sections: Any) -> Any:
    return sgd_config(optim=optim(name), **sections)


def alone(name: str, **sections: Any) -> Any:
    return train(LocalCommunicator(), STEPS, config(name, **sections))


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_n_ranks_are_one_rank(name: str) -> None:
    """To 1e-12, as all sums of this net are well away from zero.

    Where a bias stands before batch-norm, as in the tests below, its gradient is rounding alone, of which a root makes
    1e-9 and a sign makes anything. Shards give the same bits all the same.
    """
    check(make_task(Plain()), optim=optim(name))


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_shards_give_the_same_bits_on_any_number_of_ranks(name: str) -> None:
    sections = {"run": Run(dtype="float32", epochs=1000, shards=4)}
    found = World("threads:3").run(lambda comm: train(comm, STEPS, config(name, **sections)))
    assert largest_difference(found[1], alone(name, **sections)) == 0


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_state_sharded_over_nodes_gives_the_same_bits(name: str) -> None:
    sharded, whole = (config(name, comm=Comm(sharded_optimizer=divided)) for divided in (True, False))
    found = World("threads:3").run(lambda comm: train(comm, STEPS, sharded))
    expected = World("threads:3").run(lambda comm: train(comm, STEPS, whole))
    assert largest_difference(found[0], expected[0]) == 0


@pytest.mark.parametrize("name", WHOLE)
def test_resumed_is_never_stopped(name: str, tmp_path: Path) -> None:
    settings = Config(run=Run(epochs=8, dtype="float32"), data=Data(batch_size=SAMPLES), optim=Optim(name=name))
    recipes = {"tiny": Recipe(settings, lambda config: make_task(Plain(), dtype=config.run.dtype), "a tiny net")}
    hashes = []
    for stops in ([], ["3"]):
        directory = tmp_path / str(len(stops))
        for options in (*(["--run.steps", stop] for stop in stops), []):
            assert run(["tiny", "--run.dir", str(directory), "--run.resume", "auto", *options], recipes) == 0
        hashes.append(json.loads((directory / "summary.json").read_text())["params_sha256"])
    assert hashes[0] == hashes[1]
