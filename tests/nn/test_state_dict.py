"""Values that do not fit a model, from ``init``, for ``bind``, from PyTorch: all differences in one error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ddtrain import data, nn
from ddtrain.comm.backends.local import LocalCommunicator
from ddtrain.errors import UsageError
from ddtrain.trainer.step.setup import build_step
from ddtrain.trainer.task import Task
from helpers import sgd_config

MODEL = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm(3), nn.Linear(3, 3))
VALUES = MODEL.init(0)


@pytest.mark.parametrize("take", [MODEL.bind, lambda v: nn.from_torch(MODEL, v), lambda v: nn.to_torch(MODEL, v)])
def test_everything_that_does_not_fit_is_listed(take: Callable[[Any], Any]) -> None:
    values = {name: x for name, x in VALUES.items() if name != "0.bias"}
    values |= {"0.weight": np.ones((5, 5)), "3.weight": np.ones(2)}
    with pytest.raises(UsageError) as caught:
        take(values)
    for said in ("no value for 0.bias", "no such parameter or buffer: 3.weight", "0.weight has shape (5, 5), not ("):
        assert said in caught.value.message


def test_long_lists_are_cut() -> None:
    with pytest.raises(UsageError, match=r"no value for 0\.weight, 0\.bias, 1\.weight, 1\.bias and 5 more"):
        MODEL.bind({})


def test_the_other_layout_is_recognised_where_shapes_or_types_tell() -> None:
    theirs = nn.to_torch(MODEL, VALUES)
    with pytest.raises(UsageError, match=r"0\.weight has shape \(3, 2\), not \(2, 3\)\n.*nn\.from_torch"):
        MODEL.bind(dict(theirs))
    with pytest.raises(UsageError, match=r"0\.weight has shape \(2, 3\), not \(3, 2\)\n.*in ddtrain's layout already"):
        nn.from_torch(MODEL, VALUES)
    square = nn.Linear(3, 3)
    with pytest.raises(UsageError, match="in PyTorch's layout"):
        square.bind(nn.to_torch(square, square.init(0)))
    back = nn.from_torch(MODEL, theirs)
    assert all(np.array_equal(back[name], VALUES[name]) for name in VALUES)


def test_a_bound_model_is_bound_for_good() -> None:
    with pytest.raises(UsageError, match=r"no such parameter or buffer: 0\.weight"):
        MODEL.bind(VALUES).bind(VALUES)


def test_lists_and_numbers_are_values_too() -> None:
    layer = nn.Linear(2, 1, weight_init=nn.init.zeros)
    assert layer.bind({"weight": [[1.0], [2.0]], "bias": [0.5]})(np.ones((1, 2))).tolist() == [[3.5]]


BAD_INITS: dict[str, tuple[Any, str]] = {
    "another shape": (lambda g, shape: np.ones(3), r"weight has shape \(3,\), not \(2, 3\)"),
    "a number": (lambda g, shape: 1.0, r"weight has shape \(\), not \(2, 3\)"),
    "transposed": (lambda g, shape: np.ones(shape[::-1]), r"weight has shape \(3, 2\), not \(2, 3\)"),
    "nothing": (lambda g, shape: None, r"weight has shape \(\), not \(2, 3\)"),
    "complex": (lambda g, shape: np.ones(shape, complex), "weight has dtype complex128, not real numbers"),
    "text": (lambda g, shape: np.full(shape, "a"), "weight has dtype <U1, not real numbers"),
    "nan": (lambda g, shape: np.full(shape, np.nan), r"weight is nan at \(0, 0\), 6 of 6 values are not finite"),
    "too large": (lambda g, shape: np.full(shape, 1e300), r"weight is inf at \(0, 0\), 6 of 6"),
}


@pytest.mark.parametrize("name", BAD_INITS)
def test_what_an_init_may_not_give(name: str) -> None:
    init, message = BAD_INITS[name]
    with pytest.raises(UsageError, match=r"init: .*" + message):
        nn.Linear(2, 3, weight_init=init).init(0)


def test_buffers_may_begin_infinite() -> None:
    class Largest(nn.Module):
        def __init__(self) -> None:
            self.seen = nn.buffer((2,), lambda g, shape: np.full(shape, -np.inf))

    assert Largest().init(0)["seen"].tolist() == [-np.inf, -np.inf]


class Pretrained(nn.Linear):
    """Begins with values of its own."""

    def init(self, seed: int = 0, dtype: Any = np.float32) -> Any:
        return {"weight": np.full((3, 2), 7, dtype), "bias": np.zeros(2)}


class Scaled(nn.Linear):
    """Begins with what it would have begun with, times ten."""

    def init(self, seed: int = 0, dtype: Any = np.float32) -> Any:
        return {name: 10 * x for name, x in super().init(seed, dtype).items()}


class Nested(nn.Module):
    def __init__(self, inner: Callable[[], nn.Module]) -> None:
        self.plain = nn.Linear(3, 2)
        self.inner = [inner(), nn.Sequential(inner())]


def test_an_init_of_its_own_is_asked_wherever_the_module_stands() -> None:
    values = Nested(lambda: Pretrained(3, 2)).init(0, np.float64)
    assert list(values) == list(Nested(lambda: nn.Linear(3, 2)).init(0))
    assert (values["inner.0.weight"] == 7).all()
    assert (values["inner.1.0.weight"] == 7).all()
    assert values["inner.0.bias"].dtype == np.float64


def test_what_it_gets_from_the_class_above_is_drawn_by_the_whole_path() -> None:
    # by its own path alone, two equal layers would begin with equal values
    plain, scaled = Nested(lambda: nn.Linear(3, 2)).init(3), Nested(lambda: Scaled(3, 2)).init(3)
    for name, x in plain.items():
        np.testing.assert_array_equal(scaled[name], x if name.startswith("plain") else 10 * x)
    np.testing.assert_array_equal(Scaled(3, 2).init(3)["weight"], 10 * nn.Linear(3, 2).init(3)["weight"])


def test_another_model_may_be_drawn_within_an_init() -> None:
    class Borrowing(nn.Linear):
        def init(self, seed: int = 0, dtype: Any = np.float32) -> Any:
            return nn.Linear(3, 2).init(seed, dtype)

    values = Nested(lambda: Borrowing(3, 2)).init(5)
    np.testing.assert_array_equal(values["inner.0.weight"], nn.Linear(3, 2).init(5)["weight"])


def test_a_wrong_init_of_a_submodule_is_named_by_path() -> None:
    class Wrong(nn.Linear):
        def init(self, seed: int = 0, dtype: Any = np.float32) -> Any:
            return {"weight": np.ones((2, 3)), "other": np.ones(2)}

    with pytest.raises(UsageError) as caught:
        nn.Sequential(Wrong(3, 2)).init(0)
    for said in (
        "0.weight has shape (2, 3), not (3, 2)",
        "no value for 0.bias",
        "no such parameter or buffer: 0.other",
    ):
        assert said in caught.value.message


def test_a_model_with_an_init_of_its_own_is_looked_at_before_the_first_step() -> None:
    class Wrong(nn.Linear):
        def init(self, seed: int = 0, dtype: Any = np.float32) -> Any:
            return {"weight": np.ones((3, 2)) * np.inf, "bias": np.ones(2)}

    task = Task(Wrong(3, 2), lambda m, x: m(x)[:, 0], data.ArrayData(np.ones((4, 3))))
    with pytest.raises(UsageError, match=r"init: weight is inf at \(0, 0\)"):
        build_step(LocalCommunicator(), task, sgd_config())
