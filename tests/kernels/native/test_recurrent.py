"""Compiled recurrent networks: random shapes against the references, what is not finite, what is left to them."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import gru, lstm, native, rnn

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _agree(mine, reference, dtype):
    """Within 200 roundings of the largest entry: sums of up to 240 terms, over up to 12 positions."""
    for a, b in zip(mine, reference, strict=True):
        top = max(1.0, np.abs(b).max(initial=0))
        np.testing.assert_allclose(a / top, b / top, rtol=0, atol=200 * np.finfo(dtype).eps)


def _shapes():
    r = np.random.default_rng(5)
    return [tuple(int(r.integers(1, top)) for top in (110, 12, 60)) for _ in range(10)]


@every_dtype
@pytest.mark.parametrize(("n", "t", "m"), _shapes())
def test_random_shapes(n, t, m, dtype):
    r = np.random.default_rng(n)

    def draw(*shape):
        return r.standard_normal(shape).astype(dtype)

    h, c, narrow = draw(n, m), draw(n, m), dtype(1 / (1 + m) ** 0.5)
    a, w = draw(n, t, 4 * m), draw(m, 4 * m) * narrow
    found = lstm.lstm.reference(a, h, c, w)
    _agree(lstm.lstm.twin(a, h, c, w), found, dtype)
    back = (draw(n, t, 2 * m), *found, c, w)
    _agree(lstm.lstm_backward.twin(*back), lstm.lstm_backward.reference(*back), dtype)

    a, w, b = draw(n, t, 3 * m), draw(m, 3 * m) * narrow, draw(3 * m)
    found = gru.gru.reference(a, h, w, b)
    _agree(gru.gru.twin(a, h, w, b), found, dtype)
    back = (draw(n, t, m), *found, h, w)
    _agree(gru.gru_backward.twin(*back), gru.gru_backward.reference(*back), dtype)

    a, w = draw(n, t, m), draw(m, m) * narrow
    for relu in (False, True):
        y = rnn.rnn.reference(a, h, w, relu)
        _agree([rnn.rnn.twin(a, h, w, relu)], [y], dtype)
        back = (draw(n, t, m), y, w, relu)
        _agree(rnn.rnn_backward.twin(*back), rnn.rnn_backward.reference(*back), dtype)


@every_dtype
def test_a_sample_of_a_block_is_that_sample_alone(dtype):
    """Samples enter no other sample, wherever they stand in a block."""
    r = np.random.default_rng(6)
    a, h, c, w = (r.standard_normal(s).astype(dtype) for s in ((101, 3, 44), (101, 11), (101, 11), (11, 44)))
    y, gates, squashed = lstm.lstm.twin(a, h, c, w)
    a[50] = np.nan
    other = lstm.lstm.twin(a, h, c, w)
    assert np.isnan(other[0][50]).all()
    for before, after, axis in zip((y, gates, squashed), other, (0, 1, 1), strict=True):
        np.testing.assert_array_equal(np.delete(before, 50, axis), np.delete(after, 50, axis))


def test_what_is_not_finite_shows_from_its_position_on():
    a, h, w = np.zeros((2, 5, 6)), np.zeros((2, 2)), np.ones((2, 6))
    a[1, 3, 4] = np.nan
    y, _ = gru.gru.twin(a, h, w, None)
    assert np.isfinite(y[0]).all()
    assert np.isfinite(y[1, :3]).all()
    assert np.isnan(y[1, 4]).all()
    relu = rnn.rnn.twin(a, np.zeros((2, 6)), np.eye(6), True)
    assert np.isnan(relu[1, 3:, 4]).all()


def test_gates_saturate_without_overflow():
    a = np.full((1, 2, 8), 1e5, np.float32)
    y, gates, _ = lstm.lstm.twin(a, np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32), np.ones((2, 8), "f"))
    np.testing.assert_array_equal(gates, 1)
    y, gates, _ = lstm.lstm.twin(-a, np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32), np.ones((2, 8), "f"))
    np.testing.assert_array_equal(y[..., :2], 0)
    np.testing.assert_array_equal(gates[..., 4:6], -1)


def test_out_is_filled_and_other_layouts_are_left_to_the_reference():
    r = np.random.default_rng(7)
    a, h, w = r.standard_normal((3, 4, 5)), r.standard_normal((3, 5)), r.standard_normal((5, 5))
    out = np.full((3, 4, 5), np.nan)
    assert rnn.rnn.twin(a, h, w, False, out) is out
    assert np.isfinite(out).all()
    assert rnn.rnn.twin(a, h, w.T, False) is NotImplemented
    assert rnn.rnn.twin(a[:, :, ::-1], h, w, False) is NotImplemented
    assert rnn.rnn.twin(a, h.astype(np.float32), w, False) is NotImplemented
    apart = r.standard_normal((4, 3, 5)).swapaxes(0, 1)  # its positions do not follow one another
    assert rnn.backward_weight.twin(h, apart, a) is NotImplemented


@every_dtype
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_a_sequence_in_pieces_has_the_same_bits(name, dtype):
    """Pieces of the inputs and last states are views; the kernel takes them as they lie."""
    r = np.random.default_rng(8)
    gates, last = {"lstm": (4, None), "gru": (3, (None,)), "rnn": (1, (False,))}[name]
    kernel = getattr({"lstm": lstm, "gru": gru, "rnn": rnn}[name], name).twin
    a, w = r.standard_normal((7, 9, gates * 5)).astype(dtype), r.standard_normal((5, gates * 5)).astype(dtype)
    start = [r.standard_normal((7, 5)).astype(dtype) for _ in range(1 if last else 2)]

    def run(a, states):
        found = kernel(a, *states, w, *(last or ()))
        return found[0] if isinstance(found, tuple) else found

    whole = run(a, start)
    first = run(a[:, :4], start)
    states = [first[:, -1, :5], first[:, -1, 5:]][: len(start)]
    np.testing.assert_array_equal(np.concatenate((first, run(a[:, 4:], states)), axis=1), whole)
