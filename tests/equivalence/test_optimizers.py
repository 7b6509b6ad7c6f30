"""Every optimizer on several ranks: N ranks are one rank, with shards to the bit, as with state sharded over nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.optim import BatchMethod, Optim
from ddtrain.trainer.config.config import Comm, Config, Data, Run
from ddtrain.trainer.main import Recipe, run
from helpers import SAMPLES, Plain, largest_difference, make_task, sgd_config, train
from worlds import World

STEPS = 12
BY_GRADIENT = Optim.parts["sgd"].having("weight_decay")  # tests/trainer/modes/test_trial_points.py has the others


def config(name: str, **sections: Any) -> Any:
    return sgd_config(optim=Optim(name=name, weight_decay=1e-3), **sections)


def alone(name: str, **sections: Any) -> Any:
    return train(LocalCommunicator(), STEPS, config(name, **sections))


@pytest.mark.parametrize("name", Optim.parts["sgd"].having("l1"))
def test_three_ranks_are_one_rank(name: str) -> None:
    """To 1e-9, as sums in another order round otherwise, and a root near zero makes more of it.

    Not lion's: a bias before batch-norm has a gradient of zero, and rounding alone decides its sign. Shards do.
    """
    found = World("threads:3").run(lambda comm: train(comm, STEPS, config(name)))
    assert largest_difference(found[0], alone(name)) < 1e-9
    assert largest_difference(found[0], found[2]) == 0


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


@pytest.mark.parametrize("name", Optim.parts)
def test_resumed_is_never_stopped(name: str, tmp_path: Path) -> None:
    whole = issubclass(Optim.parts[name], BatchMethod)
    settings = Config(
        run=Run(epochs=8 if whole else 2, dtype="float32"),
        data=Data(batch_size=SAMPLES if whole else 7),
        optim=Optim(name=name),
    )
    recipes = {"tiny": Recipe(settings, lambda config: make_task(Plain(), dtype=config.run.dtype), "a tiny net")}
    hashes = []
    for stops in ([], ["3"]):
        directory = tmp_path / str(len(stops))
        for options in (*(["--run.steps", stop] for stop in stops), []):
            assert run(["tiny", "--run.dir", str(directory), "--run.resume", "auto", *options], recipes) == 0
        hashes.append(json.loads((directory / "summary.json").read_text())["params_sha256"])
    assert hashes[0] == hashes[1]
