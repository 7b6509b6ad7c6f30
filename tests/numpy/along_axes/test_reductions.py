"""Deviations and extremes where something ends: of one entry, of none, and among equals."""

import numpy as onp
import pytest

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, jvp, vjp

NAN = onp.nan
quietly = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of dividing by zero


@quietly
@pytest.mark.parametrize("name", ["var", "std", "nanvar", "nanstd"])
@pytest.mark.parametrize(("shape", "axis", "ddof"), [((1,), None, 1), ((0,), None, 0), ((2, 1), 1, 1), ((1, 2), 0, 3)])
def test_variance_of_too_few_entries(name, shape, axis, ddof):
    x = onp.full(shape, 3.0)
    fun = lambda x: getattr(np, name)(x, axis=axis, ddof=ddof)
    value, pull = vjp(fun, x)
    onp.testing.assert_array_equal(value, getattr(onp, name)(x, axis=axis, ddof=ddof))
    assert pull(value)[0].shape == shape
    assert jvp(fun, (x,), (x,))[1].shape == value.shape


ALONE = {
    "std": np.std,
    "std along an axis": lambda x: np.std(onp.ones((1, 3)) * x, 0, keepdims=True),
    "nanstd": lambda x: np.nanstd(np.stack([np.concatenate([x, [NAN]])] * 2), 1),
    "masked std": lambda x: np.std(np.concatenate([x, x + 1]), where=onp.array([True, False])),
}


@pytest.mark.parametrize("std", ALONE.values(), ids=ALONE)
def test_the_deviation_of_one_entry_is_constant_in_every_order(std):
    # unlike that of equal entries, which has a kink there and so no second derivative
    x, fun = onp.array([2.0]), lambda x: np.sum(std(x))
    assert fun(x) == 0.0
    check_grads(fun)(x)
