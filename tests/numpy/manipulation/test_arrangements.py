"""Diagonals made of vectors, which NumPy has no function for."""

import numpy as onp
import pytest
from calls import T, V, Z

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads
from ddtrain.errors import ShapeError


@pytest.mark.parametrize("name", ["make_diagonal"])
def test_what_numpy_does_not_have(name):
    make_diagonal = getattr(np, name)
    for x in (V, T, Z[0]):
        made = make_diagonal(x)
        onp.testing.assert_array_equal(onp.diagonal(made, 0, -1, -2), x)
        assert onp.count_nonzero(made) == x.size
        check_grads(lambda x: make_diagonal(x, offset=0, axis1=-1, axis2=-2) ** 2)(x)
    with pytest.raises(ShapeError, match=r"make_diagonal: offset=1.*\n.*diagflat"):
        make_diagonal(V, 1)
