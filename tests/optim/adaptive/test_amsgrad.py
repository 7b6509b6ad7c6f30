"""AMSGrad: the largest second moment is not forgotten, and while moments grow it is Adam."""

import numpy as np

from ddtrain import optim
from ddtrain.optim import Optim


def both():
    options = {"beta1": 0.5, "beta2": 0.9}
    return (optim.make(Optim(name=name, **options), 3, np.float64) for name in ("amsgrad", "adam"))


def test_while_second_moments_grow_it_is_adam():
    (ams, adam), one, other = both(), np.ones(3), np.ones(3)
    for t in range(1, 10):
        g = np.array([1.0, -2.0, 3.0]) * t
        ams.apply(one, g, lr=0.1)
        adam.apply(other, g, lr=0.1)
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_one_large_gradient_is_remembered_for_good():
    (ams, adam), one, other = both(), np.ones(3), np.ones(3)
    for optimizer, x in ((ams, one), (adam, other)):
        optimizer.apply(x, np.full(3, 100.0), lr=0.1)
    largest = ams.state["largest"].copy()
    for _ in range(200):
        before = one.copy(), other.copy()
        ams.apply(one, np.ones(3), lr=0.1)
        adam.apply(other, np.ones(3), lr=0.1)
    np.testing.assert_array_equal(ams.state["largest"], largest)
    np.testing.assert_allclose(before[1] - other, 0.1, rtol=1e-3)
    np.testing.assert_allclose(before[0] - one, 0.1 / np.sqrt(largest), rtol=1e-3)
