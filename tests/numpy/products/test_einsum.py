"""``einsum`` names what does not fit: operands, axes, and lengths of one label."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad
from ddtrain.errors import ShapeError

M = onp.ones((3, 4))


@pytest.mark.parametrize(
    ("subscripts", "message"),
    [
        ("ij,jk", "names 2 operands, but 1 were given"),
        ("ijk", "'ijk' in 'ijk' does not name the 2 axes"),
        ("ii", "label 'i' stands for axes of 3 and 4 entries"),
    ],
)
def test_bad_subscripts(subscripts, message):
    with pytest.raises(ShapeError, match=message):
        grad(lambda m: np.einsum(subscripts, m))(M)
