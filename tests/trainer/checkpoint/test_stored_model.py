"""A checkpoint of another model is refused in one line with every name in which the two differ."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import CheckpointError
from ddtrain.trainer.checkpoint import Snapshot
from ddtrain.trainer.checkpoint.stored_model import values_for

DEEP = nn.Sequential(*(nn.Linear(3, 3) for _ in range(9)))


def snapshot_of(model: nn.Module) -> Snapshot:
    return Snapshot(step=1, epoch=0, position=0, seed=0, model=nn.to_torch(model, model.init(0)), optim={})


def refusal(model: nn.Module, stored: nn.Module) -> str:
    with pytest.raises(CheckpointError) as caught:
        values_for(model, snapshot_of(stored), "PATH")
    return caught.value.one_line


def test_the_model_that_was_trained_gets_its_values() -> None:
    values = DEEP.init(0)
    found = values_for(DEEP, snapshot_of(DEEP), "PATH")
    assert list(found) == list(values)
    assert all(np.array_equal(found[name], x) for name, x in values.items())


def test_all_names_are_listed_however_many() -> None:
    told = refusal(nn.Sequential(nn.Linear(3, 3)), DEEP)
    assert told.startswith("PATH: not of this model: unexpected 1.bias, 1.weight, 2.bias")
    assert all(f"{k}.{name}" in told for k in range(1, 9) for name in ("weight", "bias"))
    assert "missing 0.weight, 0.bias, 1.weight" in refusal(DEEP, nn.Sequential())


def test_shapes_are_those_that_the_model_declares() -> None:
    """A linear weight is (in, out) here, and (out, in) in the file."""
    told = refusal(nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.Linear(3, 5)))
    assert "of another shape 0.weight (stored (3, 5), the model's (3, 2)), 0.bias (stored (5,), the mod" in told
    assert "from_torch" not in told
    flat = nn.Sequential(nn.Linear(3, 2, bias=False))
    odd = Snapshot(step=1, epoch=0, position=0, seed=0, model={"0.weight": np.ones(6)}, optim={})
    with pytest.raises(CheckpointError, match=r"0\.weight \(stored \(6,\), the model's \(3, 2\)\)"):
        values_for(flat, odd, "PATH")


def test_what_is_tied_has_one_value() -> None:
    untied = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    one = nn.Linear(3, 3, bias=False)
    tied = nn.Sequential(one, one)
    assert "with two values for one 0.weight and 1.weight" in refusal(tied, untied)
