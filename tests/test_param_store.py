"""Flat vectors with views: one memory, reverse layout."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from ddtrain.param_store import ParamStore

PARAMETERS = {
    "first": np.arange(6.0).reshape(2, 3),
    "scalar": np.array(7.0),
    "empty": np.zeros((0, 4)),
    "last": np.ones(2),
}


@pytest.fixture
def store() -> ParamStore:
    return ParamStore(PARAMETERS, {"mean": np.full(3, 5.0)}, np.float64)


def test_the_last_parameter_comes_first(store: ParamStore) -> None:
    assert store.values.tolist() == [1, 1, 7, 0, 1, 2, 3, 4, 5]
    assert [store.values[span].size for span in store.spans] == [6, 1, 0, 2]


def test_views_and_vectors_share_memory(store: ParamStore) -> None:
    store.values *= 2
    assert store.value_views[0].tolist() == [[0, 2, 4], [6, 8, 10]]
    store.grad_views[1][...] = 3
    assert store.grads[2] == 3
    store.state_views["mean"][...] = 1
    assert store.state.tolist() == [1, 1, 1]


def test_vectors_live_where_they_are_told() -> None:
    window, shared = np.full(9, -1.0), np.full(9, -2.0)
    store = ParamStore(PARAMETERS, {}, np.float64, grads=window, values=shared, fill=False)
    assert set(shared) == {-2.0}
    store.grad_views[3][...] = 4
    assert window[:2].tolist() == [4, 4]


def test_hash_is_of_the_bytes_in_name_order(store: ParamStore) -> None:
    expected = hashlib.sha256(b"".join(np.asarray(PARAMETERS[n]).tobytes() for n in sorted(PARAMETERS))).hexdigest()
    assert store.sha256() == expected
    store.state[...] = 9
    assert store.sha256() == expected, "running statistics are no parameters"
    both = {**PARAMETERS, "mean": np.full(3, 9.0)}
    assert store.model_sha256() == hashlib.sha256(b"".join(both[n].tobytes() for n in sorted(both))).hexdigest()
    store.values[0] = np.nextafter(1, 2)
    assert store.sha256() != expected
