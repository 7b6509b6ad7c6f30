"""A learned optimizer at work: on the flat vector of a run, in any pieces, saved and loaded, and named by its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import ddtrain
from ddtrain import nn, ops, optim
from ddtrain.errors import DataError, UsageError
from ddtrain.meta import Learned, LstmNetwork, learned
from ddtrain.meta.lstm_network import features, steps
from ddtrain.optim import Optim
from ddtrain.parts import register

NETWORK = LstmNetwork.initial(seed=0, hidden=4)


def trained(formula: Optim, spans: Any = (slice(None),), dtype: Any = np.float64) -> Any:
    """The values after three gradients, and the states."""
    x, rng = np.arange(11.0).astype(dtype), np.random.default_rng(0)
    optimizer = optim.make(formula, 11, dtype)
    for _ in range(3):
        optimizer.apply(x, rng.normal(size=11).astype(dtype), lr=0.5, scale=2.0, spans=spans)
    return x, optimizer.state


def test_it_moves_by_what_the_network_says() -> None:
    x, rng = np.arange(11.0), np.random.default_rng(0)
    gradients = 2.0 * rng.normal(size=(3, 11))
    moves, state = steps(NETWORK.weights, features(gradients.T), NETWORK.no_state(11))
    found, vectors = trained(Learned.of(NETWORK))
    np.testing.assert_allclose(found, x + 0.5 * moves.sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(np.stack(list(vectors.values()), axis=1), state, rtol=1e-13, atol=1e-15)


def test_pieces_and_spans_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(Learned.of(NETWORK))[0]
    np.testing.assert_allclose(trained(Learned.of(NETWORK), (slice(0, 4), slice(4, 11)))[0], whole, rtol=1e-13)
    monkeypatch.setattr(learned, "PIECE", 3)
    np.testing.assert_allclose(trained(Learned.of(NETWORK))[0], whole, rtol=1e-13)


def test_float32_values_stay_near() -> None:
    x, vectors = trained(Learned.of(NETWORK), dtype=np.float32)
    np.testing.assert_allclose(x, trained(Learned.of(NETWORK))[0], rtol=1e-5)
    assert {vector.dtype for vector in vectors.values()} == {np.dtype(np.float32)}


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    NETWORK.save(tmp_path / "optimizer.safetensors")
    again = Learned(file=str(tmp_path / "optimizer.safetensors"))
    np.testing.assert_array_equal(trained(again)[0], trained(Learned.of(NETWORK))[0])


def test_a_file_of_something_else_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the optimizer learned has no file"):
        optim.make(Learned(), 3, np.float64)
    with pytest.raises(DataError, match=r"none\.safetensors: no optimizer can be read"):
        LstmNetwork.load(tmp_path / "none.safetensors")
    (tmp_path / "text").write_text("x")
    with pytest.raises(DataError, match="text: no optimizer can be read"):
        LstmNetwork.load(tmp_path / "text")
    for change, said in (
        ({"output": None}, "output has shape None"),
        ({"1.hidden": None}, r"1.hidden has shape None, not \(4, 16\)"),
        ({"0.bias": np.zeros(3)}, r"0.bias has shape \(3,\), not \(16,\)"),
        ({"head": np.zeros(2)}, r"head has shape \(2,\), not None"),
    ):
        weights = {name: w for name, w in {**NETWORK.weights, **change}.items() if w is not None}
        (tmp_path / "other").write_bytes(safetensors.numpy.save(weights))
        with pytest.raises(DataError, match=f"other: no learned optimizer: {said}"):
            LstmNetwork.load(tmp_path / "other")


def test_a_run_is_trained_by_it_on_any_number_of_ranks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Optim, "parts", dict(Optim.parts))
    register(Learned)
    NETWORK.save(tmp_path / "optimizer.safetensors")
    x = np.linspace(-1.0, 1.0, 40)[:, None]
    loss = lambda model, x: ops.squared_error(model(x)[:, 0], 3 * x[:, 0])
    task = ddtrain.Task(nn.Linear(1, 1), loss, train=(x,))
    losses = [
        ddtrain.fit(
            task,
            dir=tmp_path / backend.replace(":", ""),
            backend=backend,
            steps=5,
            batch_size=8,
            dtype="float64",
            optim=Learned(file=str(tmp_path / "optimizer.safetensors")),
            quiet=True,
        ).history["loss"]
        for backend in ("local", "threads:2")
    ]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)
