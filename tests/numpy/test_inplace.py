"""Functions that write into their argument."""

from __future__ import annotations

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import grad
from ddtrain.errors import DerivativeError

WRITING = {
    "copyto": (0.0,),
    "fill_diagonal": (0.0,),
    "place": ([True, False, False, False], [0.0]),
    "put": ([0], 0.0),
    "put_along_axis": (onp.zeros((1, 1), int), 0.0, 0),
    "putmask": ([[True, False], [False, False]], 0.0),
}


@pytest.mark.parametrize("name", WRITING)
def test_functions_that_write_are_numpys_on_plain_arrays_and_refused_on_traced_ones(name):
    ours, theirs = onp.ones((2, 2)), onp.ones((2, 2))
    args = WRITING[name]
    getattr(np, name)(ours, *args)
    getattr(onp, name)(theirs, *args)
    onp.testing.assert_array_equal(ours, theirs)
    assert onp.any(ours == 0)
    for writing in (getattr(np, name), getattr(onp, name)):
        with pytest.raises(DerivativeError, match=rf"^{name}: assignment into an array under a trace\n.*np\.where"):
            grad(lambda x, write=writing: write(x, *args))(onp.ones((2, 2)))
