"""Inputs that an option names: fitted by one rank or by many to the same bits, stored, and taken up again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from ddtrain.data import ArrayData, PreparedInputs
from ddtrain.data.inputs import INPUTS, parse
from ddtrain.errors import DataError, UsageError
from worlds import World

R = np.random.default_rng(0)
X = (R.integers(0, 256, (2500, 3, 2, 2)) * np.array([0.5, 1.0])).astype(np.float32)  # three blocks of samples
CALLS = [
    "none",
    "standardize",
    "standardize(per_channel=True)",
    "whiten(components=5)",
    "whiten(epsilon=0.5, zca=True)",
]


def prepared(call: str, x: Any = X, dtype: Any = np.float64) -> PreparedInputs:
    inputs = parse(call)
    assert inputs
    return PreparedInputs(inputs, ArrayData(x), dtype)


def test_the_calls_cover_the_table() -> None:
    assert {call.partition("(")[0] for call in CALLS} == set(INPUTS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("call", CALLS)
def test_shape_and_dtype_are_what_the_part_says(call: str, dtype: Any) -> None:
    made = prepared(call, dtype=dtype)
    for count in (0, 1, 9):
        y = made(X[:count])
        assert (y.shape, y.dtype) == ((count, *made.inputs.shape(X.shape[1:])), dtype)
    np.testing.assert_array_equal(made(np.asfortranarray(X[:9])), made(X[:9]))


@pytest.mark.parametrize("call", CALLS)
def test_ranks_fit_it_to_the_same_bits(world: World, call: str) -> None:
    alone = prepared(call)(X)

    def body(comm: Any) -> Any:
        made = prepared(call)
        made.fit_over(comm)
        return made(X)

    for y in world.run(body):
        np.testing.assert_array_equal(y, alone)


@pytest.mark.parametrize("call", CALLS)
def test_stored_numbers_are_taken_up_whatever_the_data_are(call: str) -> None:
    first, other = prepared(call), prepared(call, 3 * X[:900] + 1)
    state = first.state_dict()
    arrays = {name: x for name, x in state.items() if not isinstance(x, str)}
    if arrays:
        assert (other(X) != first(X)).any()
        arrays = load(save(arrays))
    other.load_state_dict({**arrays, "call": state["call"]})
    np.testing.assert_array_equal(other(X), first(X))


def test_nothing_is_fitted_before_numbers_are_loaded() -> None:
    """A checkpoint's model is used where the training data may be of another size, or not be there."""
    unfit = prepared("whiten", X[:2])
    unfit.load_state_dict(prepared("whiten").state_dict())
    np.testing.assert_array_equal(unfit(X), prepared("whiten")(X))


@pytest.mark.parametrize(
    "call",
    ["standardize", "whiten(components=4)", "whiten(components=5, epsilon=0.1)", "whiten(components=5, zca=True)"],
)
def test_numbers_of_another_call_are_refused(call: str) -> None:
    with pytest.raises(UsageError, match=r"the stored numbers are of '.*', not of whiten\(components=5, "):
        prepared("whiten(components=5)").load_state_dict(prepared(call).state_dict())
    with pytest.raises(UsageError, match="the stored numbers are of None"):
        prepared("none").load_state_dict({})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("standardise", "there is no inputs 'standardise'"),
        ("standardize, whiten", "names 2 of them"),
        ("standardize(components=3)", "components is no option of standardize"),
        ("standardize(per_channel=1)", "expected True or False"),
        ("whiten(components=-1)", r"whiten\(components=-1\) is out of range"),
        ("whiten(epsilon=-0.5)", r"whiten\(epsilon=-0.5\) is out of range"),
        ("whiten[3]", "is no list of the kind inputs"),
    ],
)
def test_what_is_no_call(call: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"--data.inputs '.*{said}"):
        parse(call)
    assert parse(" ") is None


def test_data_it_cannot_be_fitted_to_is_said_on_all_ranks(world: World) -> None:
    def body(comm: Any) -> str:
        with pytest.raises(DataError) as caught:
            prepared("whiten", X[:11]).fit_over(comm)
        return caught.value.message

    (said,) = set(world.run(body))
    assert said.startswith("--data.inputs 'whiten(components=0, epsilon=0.0, zca=False)': whiten: 11 samples are fewer")
