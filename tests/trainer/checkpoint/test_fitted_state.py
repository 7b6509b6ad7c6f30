"""What was fitted to data as tensors and back: arrays, texts and lists of texts, and what is none of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as read
from safetensors.numpy import save as write

from ddtrain.data import Standardize
from ddtrain.errors import CheckpointError, UsageError
from ddtrain.trainer.checkpoint.fitted_state import load, tensors_of


class Holder:
    """What anybody may fit: its state is whatever it was given."""

    def __init__(self, state: Any) -> None:
        self.state = state

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        self.state = {name: state[name] for name in self.state}


STATE: dict[str, Any] = {
    "mean": np.arange(6.0).reshape(2, 3).T,  # not contiguous
    "count": np.array(7),
    "none": np.empty((0, 3), np.float32),
    "kept": np.array([True, False]),
    "kind": "naïve, “quoted”\n/ and .json",
    "words": ["<unk>", "", "ō", "a\ud800"],
    "empty": [],
}


def test_everything_comes_back_through_a_file() -> None:
    stored = read(write({name: np.array(x, order="C") for name, x in tensors_of({"a": Holder(STATE)}).items()}))
    other = Holder(dict.fromkeys(STATE))
    load({"a": other}, stored, "here")
    assert list(other.state) == list(STATE)
    for name, value in STATE.items():
        found = other.state[name]
        if isinstance(value, np.ndarray):
            assert (found.shape, found.dtype) == (value.shape, value.dtype)
            np.testing.assert_array_equal(found, value)
        else:
            assert (type(found), found) == (type(value), value)


def test_things_of_two_names_do_not_mix() -> None:
    fitted = {"a": Holder({"x": np.zeros(2), "kind": "of a"}), "b": Holder({"x": np.ones(3), "kind": "of b"})}
    stored = tensors_of(fitted)
    assert set(stored) == {"a/x", "a/kind.json", "b/x", "b/kind.json"}
    others = {"b": Holder({"x": 0, "kind": 0}), "a": Holder({"x": 0, "kind": 0})}
    load(others, stored, "here")
    assert [others[name].state["kind"] for name in "ab"] == ["of a", "of b"]
    np.testing.assert_array_equal(others["b"].state["x"], np.ones(3))


def test_what_has_no_state_is_not_missed() -> None:
    assert tensors_of({"a": Holder({})}) == {}
    load({"a": Holder({})}, {}, "here")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ([1], r"Task: fitted 'a': state_dict\(\) returned a list"),
        ({"x": 1.5}, "Task: fitted a/x is a float, which a checkpoint does not hold"),
        ({"x": ["b", 3]}, "Task: fitted a/x is a list, which"),
        ({"x": np.array(["b"])}, "Task: fitted a/x is an array of <U1, which"),
        ({"x": np.array([1j])}, "Task: fitted a/x is an array of complex128"),
        ({"x": np.array([None])}, "Task: fitted a/x is an array of object"),
        ({"x/y": np.ones(1)}, "Task: fitted 'a' has the key 'x/y'"),
        ({"x.json": np.ones(1)}, "Task: fitted 'a' has the key 'x.json'"),
        ({3: np.ones(1)}, "Task: fitted 'a' has the key 3"),
    ],
)
def test_what_a_checkpoint_does_not_hold(state: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tensors_of({"a": Holder(state)})


def test_other_things_than_those_stored_are_refused() -> None:
    fitted = {"inputs": Standardize(np.zeros(2), np.ones(2))}
    stored = tensors_of(fitted)
    for mine, theirs, said in (
        ({}, stored, "it holds what was fitted for inputs, and the task has nothing"),
        (fitted, {}, "it holds what was fitted for nothing, and the task has inputs"),
        ({"targets": fitted["inputs"]}, stored, "fitted for inputs, and the task has targets"),
    ):
        with pytest.raises(CheckpointError, match=f"checkpoint of step 6 does not fit: .*{said}"):
            load(mine, theirs, "checkpoint of step 6")


def test_what_cannot_take_it_up_is_named() -> None:
    fitted = {"inputs": Standardize(np.zeros(2), np.ones(2))}
    with pytest.raises(CheckpointError, match="here does not fit: inputs: standardize: fitted to means of shape"):
        load(fitted, {"inputs/mean": np.zeros(3), "inputs/std": np.ones(3)}, "here")
    with pytest.raises(CheckpointError, match=r"here: foreign: its fitted.safetensors is not what 'inputs' stores"):
        load(fitted, {"inputs/mean": np.zeros(2)}, "here")
    with pytest.raises(CheckpointError, match=r"fitted.safetensors: foreign: 'inputs/call.json' is not JSON"):
        load(fitted, {"inputs/call.json": np.frombuffer(b"[", np.uint8)}, "here")
