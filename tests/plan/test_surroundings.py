"""What a function reads besides its arguments: found wherever Python code keeps it, and compared."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from ddtrain import nn
from ddtrain.plan.surroundings import Surroundings

COUNT = [0]
LEVEL = 1.0


class Loss:
    """A loss that is a method."""

    calls, unread = 0, 0

    def __init__(self) -> None:
        self.temperature, self.history = 1.0, list[int]()

    def __call__(self, x: Any) -> Any:
        return x * self.temperature * Loss.calls

    def other(self, x: Any) -> Any:
        return self(x)


class Net(nn.Module):
    def __init__(self) -> None:
        self.layers = [nn.Linear(2, 3), nn.Dropout(0.5)]
        self.mask = np.ones(3)

    def forward(self, x: Any) -> Any:
        return x


def reads_globals(x: Any) -> Any:
    return x * LEVEL + COUNT[0]


def closure(kept: Any) -> Callable[[Any], Any]:
    return lambda x: x * kept[0]


def with_default(x: Any, kept: Any = ([0],)) -> Any:
    return x * kept[0][0]


def endless() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1


def add(kept: Any) -> None:
    kept[0] += 1


KEPT: dict[str, tuple[Callable[[], Any], Callable[[Any], None], str]] = {
    "a closure's list": (lambda: closure([0]), lambda f: add(f.__closure__[0].cell_contents), "kept[0] was 0 and is 1"),
    "a closure's array": (
        lambda: closure(np.zeros(2)),
        lambda f: add(f.__closure__[0].cell_contents),
        "kept has changed",
    ),
    "a default": (lambda: with_default, lambda f: add(f.__defaults__[0][0]), "[0] was"),
    "a global's entry": (lambda: reads_globals, lambda f: add(COUNT), "COUNT[0] was"),
    "a global": (lambda: reads_globals, lambda f: f.__globals__.update(LEVEL=LEVEL + 1), "LEVEL was"),
    "a partial's": (lambda: partial(reads_globals, [0]), lambda f: add(f.args[0]), "[0] was 0 and is 1"),
    "an attribute": (Loss, lambda f: setattr(f, "temperature", 2.0), "root.temperature was 1.0 and is 2.0"),
    "a method's": (lambda: Loss().other, lambda f: setattr(f.__self__, "temperature", 2.0), "root.temperature was"),
    "a class's": (Loss, lambda f: setattr(Loss, "calls", Loss.calls + 1), "Loss.calls was"),
    "a layer's": (Net, lambda f: setattr(f.layers[1], "rate", 0.1), "root.layers[1].rate was 0.5 and is 0.1"),
    "another layer": (Net, lambda f: f.layers.append(nn.relu), "root.layers has other entries"),
    "an array's entries": (Net, lambda f: add(f.mask), "root.mask has changed"),
    "another array": (Net, lambda f: setattr(f, "mask", np.ones(3)), "root.mask is another ndarray"),
    "a generator": (lambda: [np.random.default_rng(0)], lambda f: f[0].random(), "root[0] has changed"),
    "a random state": (lambda: [np.random.RandomState(0)], lambda f: f[0].rand(), "root[0] has changed"),
    "Python's generator": (lambda: {"a": random.Random(0)}, lambda f: f["a"].random(), "root['a'] has changed"),
    "a count": (lambda: (itertools.count(),), lambda f: next(f[0]), "root[0] has changed"),
    "an iterator": (lambda: (iter([1, 2]),), lambda f: next(f[0]), "root[0] has changed"),
    "a generator function's": (lambda: [endless()], lambda f: next(f[0]), "root[0] has changed"),
    "a deque": (lambda: deque([1, 2]), lambda f: f.rotate(), "root[0] was 1 and is 2"),
    "a set": (lambda: {1}, lambda f: f.add(2), "root has other entries"),
    "an array in a large one": (lambda: [np.zeros((4, 1 << 20))], lambda f: add(f[0][0]), "root[0] has changed"),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_change_is_found_where_it_is_kept(name: str) -> None:
    make, change, said = KEPT[name]
    root = make()
    before = Surroundings({"root": root})
    assert before.changed() == ""
    change(root)
    assert said in before.changed()
    assert Surroundings({"root": root}).changed() == ""


def test_numbers_drawn_from_the_one_generator_of_all_are_found_where_code_names_it() -> None:
    state, legacy = random.getstate(), np.random.get_state()
    for draw in (lambda x: random.random(), lambda x: np.random.rand()):
        before = Surroundings({"root": draw})
        draw(0)
        assert before.changed().startswith("the state of")
    random.setstate(state)
    np.random.set_state(legacy)


def test_what_code_does_not_name_may_change() -> None:
    loss = Loss()
    before = Surroundings({"loss": loss})
    loss.history.append(1)
    Loss.unread += 1
    random.seed(0)
    assert before.changed() == ""


def test_what_holds_itself_has_an_end() -> None:
    kept: list[Any] = [1]
    kept.append([kept])
    before = Surroundings({"kept": kept})
    kept[0] = 2
    assert before.moved() == "kept[0] was 1 and is 2"
