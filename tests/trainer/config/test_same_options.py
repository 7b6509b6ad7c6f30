"""Ranks with different options are told so, and of a step alone only what decides its sums is compared."""

from __future__ import annotations

from typing import Any

import pytest

from ddtrain.comm import Communicator
from ddtrain.errors import UsageError
from ddtrain.trainer.config import tables
from ddtrain.trainer.config.config import Config
from ddtrain.trainer.config.same_options import verify_options
from worlds import World


def compare(comm: Communicator, table: dict[str, Any], **how: Any) -> str:
    """What is said on every rank where the last one alone was told ``table``."""
    config = Config().updated(table) if comm.rank == comm.size - 1 else Config()
    try:
        verify_options(config, comm, **how)
    except UsageError as error:
        return error.one_line
    return ""


@pytest.mark.parametrize(
    ("option", "other", "decides_sums"),
    [
        ("comm.bucket_bytes", 64, True),
        ("run.shards", 4, True),
        ("run.dtype", "float64", True),
        ("comm.backend", "mpi", False),
        ("optim.lr", 0.2, False),
        ("checkpoint.keep", 9, False),
    ],
)
def test_an_option_that_differs_is_named_on_every_rank(option: str, other: Any, decides_sums: bool) -> None:
    world, (section, name) = World("threads:3"), option.split(".")
    told, usual = tables.option(option), tables.lookup(Config(), option)
    said = (
        f"ranks disagree: option {told} is {other!r} on rank 2 but {told} is {usual!r} on the others: "
        "Give every rank the same options."
    )
    assert world.run(lambda comm: compare(comm, {section: {name: other}})) == [said] * 3
    of_sums = world.run(lambda comm: compare(comm, {section: {name: other}}, of_sums=True))
    assert of_sums == [said if decides_sums else ""] * 3


def test_the_recipe_is_compared_too() -> None:
    with pytest.raises(UsageError, match="option recipe is cnn on rank 2 but recipe is mlp on the others"):
        World("threads:3").run(lambda comm: verify_options(Config(), comm, "cnn" if comm.rank == 2 else "mlp"))
