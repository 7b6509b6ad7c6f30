"""Initial values by rules over paths: weights alone, the first rule that matches, from (seed, path).

What would make these fail: a rule that reaches a bias or a norm, numbers that depend on the order of construction, a
rule that matches nothing and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.errors import UsageError


def model(reverse: bool = False) -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            parts = {"a": lambda: nn.Linear(4, 5), "b": lambda: nn.Conv2d(2, 3, 3), "norm": lambda: nn.BatchNorm(3)}
            for name in sorted(parts, reverse=reverse):
                setattr(self, name, parts[name]())

    return Net()


def test_rules_reach_weights_alone_and_the_first_that_matches_counts() -> None:
    values, before = nn.reinitialized(model(), {"b.*": "ones", "*": "zeros"}, 3), model().init(3)
    assert (values["a.weight"] == 0).all()
    assert (values["b.weight"] == 1).all()
    for name in set(before) - {"a.weight", "b.weight"}:
        np.testing.assert_array_equal(values[name], before[name], err_msg=name)


def test_values_depend_on_seed_and_path_alone() -> None:
    one, other = (nn.reinitialized(model(reverse), "he_normal", 5) for reverse in (False, True))
    assert one.keys() == other.keys()
    assert all(np.array_equal(one[name], other[name]) for name in one)
    declared = nn.Sequential(nn.Linear(4, 5, weight_init=nn.init.HeNormal()))
    by_rule = nn.reinitialized(nn.Sequential(nn.Linear(4, 5)), nn.init.HeNormal(), 5)
    assert all(np.array_equal(by_rule[name], x) for name, x in declared.init(5).items())
    assert not np.array_equal(one["a.weight"], nn.reinitialized(model(), "he_normal", 6)["a.weight"])
    assert nn.reinitialized(model(), "he_normal", 5, np.float64)["a.weight"].dtype == np.float64


def test_what_is_tied_is_drawn_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.b.weight = self.a.weight

    assert list(nn.reinitialized(Tied(), {"a.*": "orthogonal"})) == ["a.weight"]


def test_modules_with_values_of_their_own_keep_them() -> None:
    class Saved(nn.Linear):
        def init(self, seed: int = 0, dtype: Any = np.float32) -> dict[str, Any]:
            return {name: np.full_like(x, 7) for name, x in super().init(seed, dtype).items()}

    model = nn.Sequential(nn.Embedding(5, 3, padding_idx=2), Saved(3, 3), nn.Linear(3, 3))
    values = nn.reinitialized(model, "ones")
    np.testing.assert_array_equal(values["0.weight"][:, 0], [1, 1, 0, 1, 1])
    assert (values["1.weight"] == 7).all()
    assert (values["2.weight"] == 1).all()
    assert not np.array_equal(model.init(0)["2.weight"], values["2.weight"]), "for this call alone"


def test_fans_are_those_declared() -> None:
    values = nn.reinitialized(nn.Conv2d(128, 1280, 3, groups=128), nn.init.HeNormal(mode="fan_out"))
    assert values["weight"].std() == pytest.approx((2 / 90) ** 0.5, rel=0.03)


def test_a_shape_that_does_not_fit_names_the_weight() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    with pytest.raises(UsageError) as caught:
        nn.reinitialized(model, "identity")
    assert caught.value.place["layer"] == "1.weight"


WRONG: dict[str, Callable[[], Any]] = {
    "init: no weight's path matches '*.wieght'": lambda: nn.reinitialized(nn.Linear(2, 2), {"*.wieght": "zeros"}),
    "init: no weight's path matches 'bias'": lambda: nn.reinitialized(nn.Linear(2, 2), {"bias": "zeros"}),
    "init identity: there is no identity of shape (2, 3)": lambda: nn.reinitialized(nn.Linear(2, 3), "identity"),
    "init 'he': there is no init 'he'": lambda: nn.reinitialized(nn.Linear(2, 2), "he"),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_one_line(message: str) -> None:
    with pytest.raises(UsageError) as caught:
        WRONG[message]()
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
