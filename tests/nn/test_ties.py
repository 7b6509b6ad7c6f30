"""One declaration at several places is one value: drawn, bound, trained, stored once, exported everywhere.

What would make these fail: values by path alone, a gradient of the last place only, an update of running statistics
that the other place does not see.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import data, grad, nn, ops
from ddtrain.errors import ShapeError, UsageError
from ddtrain.param_store import ParamStore
from ddtrain.trainer.task import Task
from helpers import sgd_config, train
from worlds import World

R = np.random.default_rng(0)


class Tied(nn.Module):
    """As PyTorch's users write it; the weight of an embedding is a decoder's, transposed."""

    def __init__(self, v: int = 7, d: int = 4) -> None:
        self.encoder = nn.Embedding(v, d)
        self.decoder = nn.Linear(d, v, bias=False)
        self.decoder.weight = self.encoder.weight

    def forward(self, i: Any) -> Any:
        return ops.linear(self.encoder(i), dnp.transpose(self.decoder.weight))


class Shared(nn.Module):
    """One layer at two places, and one weight in two layers."""

    def __init__(self) -> None:
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight
        self.again = [self.first, {"last": self.first}]

    def forward(self, x: Any) -> Any:
        y = dnp.tanh(self.second(self.first(x)))
        return self.again[1]["last"](self.again[0](y))


def test_values_are_one_and_have_the_first_path() -> None:
    assert list(Tied().declarations()) == ["encoder.weight"]
    assert list(Shared().declarations()) == ["first.weight", "first.bias"]
    values = Shared().init(0)
    bound = Shared().bind(values)
    assert bound.second.weight is bound.first.weight is bound.again[1]["last"].weight is values["first.weight"]


def test_the_gradient_is_the_sum_over_all_places() -> None:
    x, model = R.standard_normal((5, 3)), Shared()
    values = model.init(0, np.float64)
    tied = grad(lambda v: dnp.sum(model.bind(v)(x) ** 2))(values)

    def untied(w1: Any, w2: Any, w3: Any, w4: Any, b: Any) -> Any:
        return dnp.sum((((dnp.tanh((x @ w1 + b) @ w2)) @ w3 + b) @ w4 + b) ** 2)

    each = grad(untied, (0, 1, 2, 3, 4))(*[values["first.weight"]] * 4, values["first.bias"])
    np.testing.assert_allclose(tied["first.weight"], sum(each[:4]), rtol=1e-12)
    np.testing.assert_allclose(tied["first.bias"], each[4], rtol=1e-12)


def test_export_has_every_path_and_import_takes_any() -> None:
    model = Shared()
    values = model.init(0)
    state = nn.to_torch(model, values)
    assert list(state) == [  # PyTorch 2.13's state_dict has these names for the same module
        *("first.weight", "first.bias", "second.weight"),
        *("again.0.weight", "again.0.bias", "again.1.last.weight", "again.1.last.bias"),
    ]
    for names in (state, ["first.weight", "first.bias"], ["second.weight", "again.0.bias"]):
        back = nn.from_torch(model, {name: state[name] for name in names})
        assert list(back) == ["first.weight", "first.bias"]
        assert all(np.array_equal(back[name], values[name]) for name in back)
    with pytest.raises(UsageError, match=r"first\.weight and second\.weight are one, but have two values"):
        nn.from_torch(model, {**state, "second.weight": state["second.weight"] + 1})


def test_bind_takes_a_value_under_any_of_its_paths_but_not_two_values() -> None:
    model, values = Tied(), Tied().init(0)
    w = values["encoder.weight"]
    for given in ({"decoder.weight": w}, {"encoder.weight": w, "decoder.weight": w}):
        assert model.bind(given).encoder.weight is w
    with pytest.raises(UsageError, match="are one, but have two values"):
        model.bind({"encoder.weight": w, "decoder.weight": w + 1})


@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_a_run_trains_one_parameter(spec: str) -> None:
    tokens = np.arange(28) % 7
    task = Task(Tied(), lambda m, x, y: (ops.cross_entropy(m(x), y), {}), data.ArrayData(tokens, (tokens + 1) % 7))
    for found in World(spec).run(lambda comm: train(comm, 3, sgd_config(), task)):
        assert list(found["tensors"]) == ["encoder.weight"]
        w = Tied().init(0, np.float64)["encoder.weight"]
        assert found["tensors"]["encoder.weight"].shape == w.shape
        assert not np.array_equal(found["tensors"]["encoder.weight"], w)


def test_layouts_that_differ_in_which_axis_is_which_are_not_tied() -> None:
    # PyTorch's tie of an embedding and a square decoder is the transpose here, and no shape would tell
    with pytest.raises(ShapeError, match=r"Linear\.weight and what replaces it are both \(4, 4\), but PyTorch has"):
        Tied(4, 4)
    model = Tied()
    with pytest.raises(ShapeError, match="linear: x has 4 columns but weight has 7 rows"):
        model.bind(model.init(0)).decoder(np.ones((1, 4)))


def test_ties_survive_a_deep_copy_and_are_kept_apart_from_the_original() -> None:
    assert list(copy.deepcopy(Shared()).declarations()) == ["first.weight", "first.bias"]
    blocks = nn.Sequential(*[copy.deepcopy(nn.Linear(2, 2)) for _ in range(2)])
    assert len(blocks.declarations()) == 4


class Normed(nn.Module):
    def __init__(self) -> None:
        norm = nn.BatchNorm(2)
        self.before, self.after = norm, norm

    def forward(self, x: Any) -> Any:
        return self.after(self.before(x) * 3 + 5)


def test_one_batch_norm_at_two_places_has_one_set_of_statistics() -> None:
    model, x = Normed(), R.standard_normal((50, 2)) + 5
    bound = model.bind(model.init(0, np.float64), training=True)
    bound(x)
    assert set(bound.run.updates) == {"before.running_mean", "before.running_var", "before.num_batches_tracked"}
    assert bound.run.updates["before.num_batches_tracked"] == 2
    np.testing.assert_allclose(bound.run.updates["before.running_mean"], 0.9 * 0.1 * x.mean(0) + 0.1 * 5, rtol=1e-12)
    store = ParamStore({}, {k: v for k, v in model.init(0).items() if "running" in k or "num" in k})
    assert set(store.state_views) == set(bound.run.updates)


def test_a_module_within_itself_is_refused() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    setattr(model, "1", nn.Sequential(model))
    for use in (model.declarations, model.init):
        with pytest.raises(UsageError, match=r"the Sequential at '1\.0' stands within itself"):
            use()


def test_two_things_with_one_path_are_refused() -> None:
    model = nn.Sequential()
    model.layers = {"a.b": nn.Linear(1, 1), "a": {"b": nn.Linear(1, 1)}}  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"two parameters or buffers have the path layers\.a\.b\.weight"):
        model.init(0)
