"""Spaces between numbers: negative and complex ends, few points, whole numbers."""

import numpy as onp

import ddtrain.numpy as np
from ddtrain.autodiff import check_grads, grad, record, value_of


def traced(fun, *xs):
    kept = []
    record(lambda *xs: (kept.append(fun(*xs)), np.sum(xs[0]))[1], xs)
    return value_of(kept[0])


def test_spaces_between_negative_and_complex_ends():
    for start, stop in ((-1.0, -1000.0), (2.0, 50.0), (1j, 3 + 8j), (-1 + 1j, 5.0)):
        value = traced(lambda a, b: np.geomspace(a, b, 4), onp.array(start), onp.array(stop))
        onp.testing.assert_allclose(value, onp.geomspace(start, stop, 4), rtol=1e-13)
        check_grads(lambda a, b: np.geomspace(a, b, 4))(start, stop)
    assert grad(lambda a: np.geomspace(a, -1000.0, 4)[0])(-1.0) == 1.0
    for num in (0, 1, 2):
        for endpoint in (True, False):
            for space in ("linspace", "geomspace", "logspace"):
                f = lambda a, f=np, s=space, n=num, e=endpoint: getattr(f, s)(a, 2.5, n, e)
                onp.testing.assert_allclose(traced(f, onp.array([1.0, 2.0])), f(onp.array([1.0, 2.0]), onp), rtol=1e-15)
    assert (
        traced(lambda a: np.linspace(a, 9.7, 4, dtype=int), onp.array(0.5)).tolist()
        == onp.linspace(0.5, 9.7, 4, dtype=int).tolist()
    )
    assert traced(lambda a: np.linspace(a, 5e-324, 4), onp.array(0.0)).tolist() == onp.linspace(0.0, 5e-324, 4).tolist()
    several = traced(lambda b: np.logspace(0.0, 2.0, 3, base=b), onp.array([2.0, 3.0]))
    onp.testing.assert_allclose(several, onp.logspace(0.0, 2.0, 3, base=[2.0, 3.0]))
