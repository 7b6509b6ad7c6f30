"""The state from one batch to the next: rows of streams, empty where nothing goes on, without derivatives.

What would make these fail: the state of another stream or layer, hidden states for cells, a state that outlives its
text, a row that is lost because its stream has no piece in the batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ddtrain import grad, nn
from ddtrain.errors import UsageError

KINDS: list[type[Any]] = [nn.RNN, nn.GRU, nn.LSTM]
every_kind = pytest.mark.parametrize("kind", KINDS)


def states(layer: Any, n: int, dtype: Any = np.float64) -> tuple[Any, ...]:
    rng = np.random.default_rng(n)
    return tuple(rng.standard_normal((layer.layers, n, layer.hidden)).astype(dtype) for _ in range(layer.states))


def kept(carried: Any, values: Any, streams: Any, pieces: Any, state: Any) -> dict[str, Any]:
    """The values after a batch."""
    bound = carried.bind(values, training=True)
    bound.keep(np.array(streams), np.array(pieces), state if len(state) > 1 else state[0])
    return {**values, **bound.run.updates}


def before(carried: Any, values: Any, streams: Any, pieces: Any) -> tuple[Any, ...]:
    found = carried.bind(values)(np.array(streams), np.array(pieces))
    return found if isinstance(found, tuple) else (found,)


@every_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_stream_gets_back_what_it_has_left(kind: Any, dtype: Any) -> None:
    layer = kind(3, 4, layers=2)
    carried = nn.CarriedState(layer, 5)
    left = states(layer, 3, dtype)
    values = kept(carried, carried.init(0, dtype), [4, 0, 2], [7, 1, 2], left)
    found = before(carried, values, [0, 2, 4], [2, 3, 8])  # in another order
    for a, b in zip(found, left, strict=True):
        assert a.dtype == dtype
        np.testing.assert_array_equal(a, b[:, [1, 2, 0]])


@every_kind
def test_what_does_not_follow_begins_with_an_empty_state(kind: Any) -> None:
    layer = kind(3, 4)
    carried = nn.CarriedState(layer, 3)
    values = kept(carried, carried.init(0, "float64"), [0, 1, 2], [5, 5, 5], states(layer, 3))
    for found in before(carried, values, [0, 1, 2], [1, 6, 7]):  # a new epoch; what follows; one that was skipped
        assert found.any(axis=(0, 2)).tolist() == [False, True, False]


@every_kind
def test_at_first_every_state_is_empty_and_fits(kind: Any) -> None:
    layer = kind(3, 4, layers=2)
    carried = nn.CarriedState(layer, 3)
    for n in (0, 2):
        found = before(carried, carried.init(), np.arange(n), np.ones(n, int))
        _, after = layer.bind(layer.init())(np.ones((n, 5, 3), np.float32), found if len(found) > 1 else found[0])
        assert np.shape(after)[-3:] == (2, n, 4)
        assert not any(part.any() for part in found)


@every_kind
def test_streams_without_a_piece_keep_theirs(kind: Any) -> None:
    layer = kind(3, 4)
    carried = nn.CarriedState(layer, 3)
    first, second = states(layer, 3), states(layer, 1)
    values = kept(carried, carried.init(0, "float64"), [0, 1, 2], [1, 1, 1], first)
    again = kept(carried, values, [1], [2], second)
    assert again["after"].tolist() == [1, 2, 1]
    for k, (a, b) in enumerate(zip(first, second, strict=True)):
        np.testing.assert_array_equal(again[f"parts.{k}"], np.stack([a[:, 0], b[:, 0], a[:, 2]]))
        np.testing.assert_array_equal(values[f"parts.{k}"], a.transpose(1, 0, 2), "what was there is not written to")


@every_kind
def test_derivatives_end_where_the_state_is_kept(kind: Any) -> None:
    """Of two pieces in one pass: the second one's loss has the derivative that it has with the state as numbers."""
    layer = kind(3, 4)
    carried = nn.CarriedState(layer, 1)
    values, x = layer.init(0, np.float64), np.random.default_rng(1).standard_normal((2, 1, 5, 3))
    where = np.array([0]), np.array([1])

    def second(v: Any) -> Any:
        bound = carried.bind(carried.init(0, "float64"), training=True)
        bound.keep(*where, layer.bind(v)(x[0])[1])
        state = bound(np.array([0]), np.array([2]))
        return (layer.bind(v)(x[1], state)[0] ** 2).sum()

    state = layer.bind(values)(x[0])[1]
    expected = grad(lambda v: (layer.bind(v)(x[1], state)[0] ** 2).sum())(values)
    for name, g in grad(second)(values).items():
        np.testing.assert_array_equal(g, expected[name])
    whole = grad(lambda v: (layer.bind(v)(np.concatenate(x, axis=1))[0][:, 5:] ** 2).sum())(values)
    assert any((whole[name] != expected[name]).any() for name in whole), "it is not the whole sequence's"


def test_what_goes_backwards_has_no_state_to_carry() -> None:
    with pytest.raises(UsageError, match="CarriedState: GRU goes both ways"):
        nn.CarriedState(nn.GRU(3, 4, bidirectional=True), 2)
    with pytest.raises(UsageError, match="CarriedState: streams"):
        nn.CarriedState(nn.GRU(3, 4), 0)
