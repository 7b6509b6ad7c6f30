"""The plain recurrence, unit by unit; its way back is tested with the operation, against its composition."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels.recurrent import rnn as kernel

R = np.random.default_rng(0)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("length", [0, 1, 4])
def test_each_unit_adds_its_input_and_the_units_before(relu: bool, length: int) -> None:
    a, h, w = R.standard_normal((2, length, 3)), R.standard_normal((2, 3)), R.standard_normal((3, 3))
    y = kernel.rnn(a, h, w, relu)
    for n in range(2):
        before = list(h[n])
        for t in range(length):
            sums = [a[n, t, j] + sum(before[i] * w[i, j] for i in range(3)) for j in range(3)]
            before = [max(s, 0) if relu else np.tanh(s) for s in sums]
            np.testing.assert_allclose(y[n, t], before, rtol=1e-12, atol=1e-14)


def test_the_weights_cotangent_pairs_each_position_with_the_state_before_it() -> None:
    h, y, dq = R.standard_normal((2, 3)), R.standard_normal((2, 4, 3)), R.standard_normal((2, 4, 6))
    expected = sum(np.outer(h[n] if t == 0 else y[n, t - 1], dq[n, t]) for n in range(2) for t in range(4))
    np.testing.assert_allclose(kernel.backward_weight(h, y, dq), expected, rtol=1e-12)


def test_relu_lets_nothing_back_through_a_unit_that_is_off() -> None:
    a = np.array([[[1.0, -1.0], [1.0, -1.0]]])
    y = kernel.rnn(a, np.zeros((1, 2)), np.zeros((2, 2)), relu=True)
    da, dh = kernel.rnn_backward(np.ones((1, 2, 2)), y, np.ones((2, 2)), relu=True)
    np.testing.assert_array_equal(da[0], [[2, 0], [1, 0]])  # the first position is also seen by the second
    np.testing.assert_array_equal(dh, [[2, 2]])
