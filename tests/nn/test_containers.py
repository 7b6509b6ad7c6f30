"""Modules and declarations in lists, tuples and dicts, and how a module is called."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest

import ddtrain.numpy as dnp
from ddtrain import data, grad, nn, ops
from ddtrain.errors import UsageError
from ddtrain.trainer.config.config import Optim
from ddtrain.trainer.task import Task
from helpers import sgd_config, train
from worlds import World


class Both(NamedTuple):
    a: Any
    b: Any


class Model(nn.Module):
    def __init__(self) -> None:
        self.heads = {"cat": nn.Linear(2, 3), "dog": [nn.Linear(2, 3), "text"]}
        self.pair = (nn.Linear(3, 3), nn.relu())
        self.both = Both(nn.Linear(3, 1), 5)
        self.weights = [nn.param((3,), nn.init.ones), {"x": nn.param((), nn.init.ones)}]
        self.ordered = OrderedDict(first=nn.BatchNorm(3))
        self.unused = nn.param((2,), nn.init.ones)
        self.numbers, self.table = [1, [2, 3]], {"k": (1,)}

    def forward(self, x: Any, *, which: str = "cat", scale: Any = 1.0) -> Any:
        head = self.heads[which]
        y = (head if which == "cat" else head[0])(x)
        y = self.pair[1](self.pair[0](self.ordered["first"](y))) * self.weights[0] * self.weights[1]["x"]
        return self.both.a(y) * scale


def test_paths_go_by_position_and_key() -> None:
    names = [name for name, _ in Model().children()]
    assert names == ["heads.cat", "heads.dog.0", "pair.0", "pair.1", "both.0", "ordered.first"]
    assert [name for name in Model().declarations() if "running" not in name and "num" not in name] == [
        *("weights.0", "weights.1.x", "unused"),
        *(
            f"{layer}.{part}"
            for layer in ("heads.cat", "heads.dog.0", "pair.0", "both.0")
            for part in ("weight", "bias")
        ),
        *("ordered.first.weight", "ordered.first.bias"),
    ]


def test_binding_keeps_types_and_what_holds_no_module_itself() -> None:
    model = Model()
    bound = model.bind(model.init(0))
    for name in ("heads", "pair", "both", "weights", "ordered"):
        assert type(getattr(bound, name)) is type(getattr(model, name))
    assert bound.numbers is model.numbers
    assert bound.table is model.table
    assert bound.both.b == 5
    assert isinstance(model.weights[0], nn.Parameter), "the model itself is as it was"
    with pytest.raises(UsageError, match="was called before it had values"):
        model.heads["cat"](np.ones((1, 2)))


def test_keyword_arguments_reach_forward_traced_or_not() -> None:
    model, x = Model(), np.ones((4, 2))
    bound = model.bind(model.init(0, np.float64))
    assert not np.array_equal(bound(x), bound(x=x, which="dog"))
    np.testing.assert_allclose(grad(lambda s: dnp.sum(bound(x, scale=s)))(2.0), np.sum(bound(x)), rtol=1e-12)


@pytest.mark.parametrize("spec", ["local", "threads:2"])
def test_all_of_them_are_trained_and_the_unused_stay(spec: str) -> None:
    r = np.random.default_rng(0)
    rows = data.ArrayData(r.standard_normal((14, 2)), r.standard_normal((14, 1)))
    loss = lambda m, x, y: (ops.squared_error(m(x, which="dog") + m(x), y), {})
    start = Model().init(0, np.float64)
    config = sgd_config(optim=Optim(name="sgd", lr=0.01))  # no decay, which moves the unused as well
    for found in World(spec).run(lambda comm: train(comm, 2, config, Task(Model(), loss, rows))):
        same = {name for name, x in found["tensors"].items() if np.array_equal(x, start[name])}
        assert "unused" in same
        assert same <= {"unused", "heads.cat.bias", "heads.dog.0.bias"}  # which batch-norm takes out again
        assert found["tensors"]["ordered.first.num_batches_tracked"] == 4  # twice in each of two steps


def test_a_module_where_nobody_looks_says_where_it_would_be_found() -> None:
    model = nn.Sequential()
    model.hidden = {nn.Linear(2, 2)}  # type: ignore[attr-defined]
    (inner,) = model.bind({}).hidden
    with pytest.raises(UsageError, match=r"was called before it had values\n.*in lists, tuples and dicts"):
        inner(np.ones((1, 2)))


def test_what_replaces_a_bound_module_has_values_of_its_own() -> None:
    model = Model()
    bound = model.bind(model.init(0))
    bound.heads["cat"] = nn.Linear(2, 3)
    with pytest.raises(UsageError, match="Linear was called before it had values"):
        bound(np.ones((1, 2)))
    bound.heads["cat"] = nn.Linear(2, 3).bind(nn.Linear(2, 3).init(1))
    assert bound(np.ones((1, 2))).shape == (1, 1)
    assert model.bind(model.init(0))(np.ones((1, 2))).shape == (1, 1)
