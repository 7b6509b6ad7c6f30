"""Every compiled twin against its reference, on its own examples and by what all kernels promise."""

from __future__ import annotations

import numpy as np
import pytest

from ddtrain.kernels import native
from ddtrain.kernels.native.twins import arrays, both, check, ulps_apart

pytestmark = pytest.mark.skipif(bool(native.lost()), reason="no compiled kernels here")
every_twin = pytest.mark.parametrize("twin", native.TWINS, ids=lambda twin: twin.name)
every_dtype = pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)], ids=str)


@every_twin
@every_dtype
def test_a_twin_computes_what_its_reference_does(twin, dtype):
    assert check(twin, dtype) == ""
    assert twin.examples, "a twin is checked by its examples"


@every_twin
def test_a_wrong_twin_is_refused(twin):
    # what would make the check useless: examples that are empty, or a tolerance that nothing can exceed
    wrong = 0
    for got, expected in both(twin, np.dtype(np.float64)):
        for a, b in zip(arrays(got), arrays(expected), strict=True):
            if a.dtype.kind == "f" and a.size and np.isfinite(a).all():
                wrong += ulps_apart(a * (1 + 1e-6) + 1e-6, b) > twin.ulps
    assert wrong > 0


@every_twin
def test_the_same_call_gives_the_same_bits(twin):
    first, again = ([got for got, _ in both(twin, np.dtype(np.float32))] for _ in range(2))
    for a, b in zip(first, again, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_equal(x, y)


@every_twin
def test_other_dtypes_are_left_to_the_reference(twin):
    for arguments in twin.examples(lambda *shape: np.ones(shape, np.longdouble)):
        assert twin.call(*arguments) is NotImplemented
