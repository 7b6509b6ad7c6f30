"""Recurrent language models: what is to come changes nothing, truncation cuts derivatives alone, gates begin open."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain import grad, models, ops
from ddtrain.errors import UsageError

TOKENS = np.arange(12).reshape(2, 6) % 7


def lm(cell: str, **options: int) -> models.RecurrentLm:
    return models.RecurrentLm(7, embedding=3, hidden=4, cell=cell, **options)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_token_changes_its_own_and_later_predictions_alone(cell: str, place: int) -> None:
    model, changed = lm(cell, layers=2), TOKENS.copy()
    bound = model.bind(model.init(0, np.float64))
    changed[:, place] = (changed[:, place] + 1) % 7
    before, after = bound(TOKENS), bound(changed)
    np.testing.assert_array_equal(before[:, :place], after[:, :place])
    assert (np.abs(before - after)[:, place:] > 0).any(axis=-1).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_truncation_changes_derivatives_and_no_prediction(cell: str) -> None:
    whole, cut = lm(cell), lm(cell, truncate=2)
    v = whole.init(0, np.float64)
    np.testing.assert_array_equal(whole.bind(v)(TOKENS), cut.bind(v)(TOKENS))
    last = lambda model: grad(lambda v: ops.cross_entropy(model.bind(v)(TOKENS)[:, -1], TOKENS[:, 0]).sum())(v)
    seen = [set(np.flatnonzero(last(model)["tokens.weight"].any(axis=1))) for model in (whole, cut)]
    assert seen == [set(TOKENS.ravel()), set(TOKENS[:, -2:].ravel())], "the last two tokens alone"


def test_forget_gates_begin_with_a_bias_of_one() -> None:
    values = lm("lstm", layers=2).init(0)
    for layer in range(2):
        total = values[f"recurrent.bias_ih_l{layer}"] + values[f"recurrent.bias_hh_l{layer}"]
        np.testing.assert_array_equal(total[4:8], 1)
        assert (np.abs(np.delete(total, range(4, 8))) <= 1).all()


def test_a_cell_that_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        lm("mlp")
    assert caught.value.one_line == "RecurrentLm: cell 'mlp' is not known: Choose rnn, lstm, gru."


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_only_training_goes_on_from_the_piece_before(cell: str) -> None:
    """Bound for an evaluation, the model neither reads states nor leaves any."""
    model, where = lm(cell, streams=2), (np.array([1, 0]), np.array([1, 1]))
    values = model.init(0, np.float64)
    training = model.bind(values, training=True)
    first = training(TOKENS[:, :3], *where)
    values |= training.run.updates
    second = model.bind(values, training=True)(TOKENS[:, 3:], where[0], where[1] + 1)
    plain = model.bind(values)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), plain(TOKENS), rtol=1e-12, atol=1e-12)
    alone = plain(TOKENS[:, 3:], where[0], where[1] + 1)
    np.testing.assert_array_equal(alone, plain(TOKENS[:, 3:]))
    assert not plain.run.updates


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_reading_on_is_reading_all(cell: str) -> None:
    model = lm(cell, layers=2)
    bound = model.bind(model.init(0, np.float64))
    whole, after = bound.read(TOKENS)
    state, parts = None, []
    for cut in (slice(0, 1), slice(1, 4), slice(4, 6)):
        part, state = bound.read(TOKENS[:, cut], state)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(state, after, rtol=1e-12, atol=1e-12)


def test_carrying_changes_no_initial_value() -> None:
    """So that runs with and without can be compared, and one that carries is drawn by the same paths."""
    without, with_state = lm("lstm").init(3), lm("lstm", streams=4).init(3)
    assert set(with_state) - set(without) == {"carried.parts.0", "carried.parts.1", "carried.after"}
    assert all((with_state[name] == value).all() for name, value in without.items())
