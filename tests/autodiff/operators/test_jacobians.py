"""Jacobians by rows and by columns."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import (
    jacobian,
    make_jvp,
)

X = onp.array([0.3, -0.8])


def test_jacobian_by_rows_and_by_columns():
    f = lambda x: np.stack([np.sin(x[0]) * x[1], x[0] ** 2, x[1]]).reshape(3, 1)
    by_rows = jacobian(f)(X)
    columns = [make_jvp(f)(X)(e)[1] for e in onp.eye(2)]
    assert by_rows.shape == (3, 1, 2)
    onp.testing.assert_allclose(by_rows, onp.stack(columns, -1), rtol=1e-14)
    assert jacobian(lambda x: x[:0])(X).shape == (0, 2)
