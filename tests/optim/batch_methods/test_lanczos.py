"""Lanczos finds the lowest eigenvalue where it is negative, and takes rounding for none."""

from __future__ import annotations

from typing import Any

import numpy as onp
import pytest
from objectives import Function, symmetric

from ddtrain.optim.batch_methods.lanczos import negative_curvature


def seen(h: Any, dtype: Any = onp.float64, most: int = 20) -> Any:
    h = h.astype(dtype)
    return negative_curvature(Function(lambda x: 0.5 * x @ h @ x), lambda v: h @ v, onp.zeros(len(h), dtype), most)


@pytest.mark.parametrize("values", [(-2.0, 2.0), (-1.0,), (-1.0, -1.0, 3.0), (-0.5, 0.0, 0.0, 4.0), (-1e-3, 1.0, 1e3)])
@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
def test_the_lowest_eigenvalue_is_found(values: Any, dtype: Any) -> None:
    h = symmetric(values)
    if values[0] > -1e-3 * max(values) and dtype == onp.float32:
        assert seen(h, dtype) is None, "less than the root of float32's precision beside the largest"
        return
    curvature, v = seen(h, dtype)
    # n steps solve the problem but for rounding, which is beside the largest eigenvalue
    tolerance = 50 * float(onp.finfo(dtype).eps) * max(onp.abs(values))
    assert curvature == pytest.approx(min(values), abs=tolerance)
    assert v.dtype == dtype
    assert onp.linalg.norm(v) == pytest.approx(1, abs=1e-6)
    assert v @ h @ v == pytest.approx(min(values), abs=tolerance)


@pytest.mark.parametrize("values", [(1.0, 2.0, 3.0), (0.0, 0.0, 5.0), (0.0, 0.0), (0.0,) * 30 + (1.0, 1e4)])
@pytest.mark.parametrize("dtype", [onp.float32, onp.float64])
@pytest.mark.parametrize("seed", range(3))
def test_a_minimum_shows_none(values: Any, dtype: Any, seed: int) -> None:
    """Rounding gives singular matrices small negative eigenvalues, which are not taken for any."""
    assert seen(symmetric(values, seed), dtype) is None


def test_few_products_show_an_outermost_eigenvalue_of_many() -> None:
    values = onp.concatenate([[-3.0], onp.linspace(0.0, 2.0, 399)])
    asked = Function(lambda x: x)
    h = symmetric(values)

    def product(v: Any) -> Any:
        asked.products += 1
        return h @ v

    curvature, v = negative_curvature(asked, product, onp.zeros(400)) or (0.0, onp.zeros(400))
    assert asked.products == 20
    assert -3.0 - 1e-12 <= curvature < -2.9
    assert v @ h @ v == pytest.approx(curvature, abs=1e-12)
