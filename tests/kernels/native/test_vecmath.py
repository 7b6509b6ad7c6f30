"""The functions of ``vecmath.h`` against the C library's in long double, over their whole range."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from ddtrain.kernels.native import compiler, library
from ddtrain.kernels.native.pointers import address

FUNCTIONS = {  # in C; how it is written in long double; ulp that are allowed
    "vexp": ("expl(x)", 1.1),
    "vexpm1": ("expm1l(x)", 2),
    "vlog": ("logl(x)", 1),
    "vlog1p": ("log1pl(x)", 1),
    "vtanh": ("tanhl(x)", 1.6),
    "vsigmoid": ("1 / (1 + expl(-x))", 2),
    "verf": ("erfl(x)", 2),
    "vbell": ("expl(-x * x / 2)", 1.6),
    "vnormal_cdf": ("erfcl(-x * 0.707106781186547524400844362104849039L) / 2", 8),
}
SOURCE = """
#include "vecmath.h"
#define MEASURE(name, exact)                                                          \\
  EXPORT void name##_(const real *from, real *to, int64_t n) {                        \\
    FOR_BLOCKS(n, { STORE(to, name(LOAD(from))); });                                  \\
  }                                                                                   \\
  EXPORT void name##_exact(const real *from, long double *to, int64_t n) {            \\
    for (int64_t i = 0; i < n; i++) { const long double x = from[i]; to[i] = exact; } \\
  }
"""
DTYPES = [np.float32, np.float64]
every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)


@pytest.fixture(scope="module")
def apply(tmp_path_factory):
    """``apply(name, x)``: the function of a vector, and the exact values in long double."""
    folder, loaded = tmp_path_factory.mktemp("vecmath"), {}
    source = folder / "measured.c"
    source.write_text(SOURCE + "".join(f"MEASURE({name}, {exact})\n" for name, (exact, _) in FUNCTIONS.items()))
    for dtype in DTYPES:
        target = folder / f"{dtype.__name__}.so"
        try:
            compiler.compile_library(source, target, library.SOURCES, [f"REAL_BYTES={dtype().itemsize}"])
        except compiler.CompilerError as error:
            if "no C compiler" not in str(error):
                raise
            pytest.skip(str(error))
        loaded[dtype] = ctypes.CDLL(str(target))

    def call(name, x):
        found = []
        for suffix, dtype in (("", x.dtype), ("exact", np.longdouble)):
            y = np.empty(x.shape, dtype)
            function = getattr(loaded[x.dtype.type], f"{name}_{suffix}")
            function(ctypes.c_void_p(address(x)), ctypes.c_void_p(address(y)), ctypes.c_int64(x.size))
            found.append(y)
        return found

    return call


def _arguments(dtype) -> np.ndarray:
    """Numbers of any exponent, both signs, subnormal ones too, and many where the functions bend."""
    r, info = np.random.default_rng(0), np.finfo(dtype)
    bits = r.integers(0, 2 ** (8 * info.dtype.itemsize), 8000, dtype=f"u{info.dtype.itemsize}")
    widths = (1e-3, 1.0, 10.0, 100.0, 800.0)
    edges = [0, info.tiny, info.smallest_subnormal, info.max, np.inf, np.log(info.max), np.log(info.tiny), 0.55, 0.8]
    parts = [bits.view(dtype), *(r.uniform(-w, w, 6000).astype(dtype) for w in widths), np.array(edges, dtype)]
    x = np.concatenate(parts)
    with np.errstate(over="ignore", under="ignore"):
        near = np.concatenate([np.nextafter(x[-9:], dtype(s * np.inf)) for s in (-1, 1)])
    return np.concatenate([x, near, -x[-9:], -near])


def _ulps(mine: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """The distance in units of the last place of the exact value in the dtype, whose numbers end at their smallest."""
    info = np.finfo(mine.dtype)
    lowest = np.maximum(np.frexp(exact)[1] - (info.nmant + 1), info.minexp - info.nmant)
    with np.errstate(all="ignore"):
        unit = np.exp2(lowest.astype(np.longdouble))
        return np.where(mine == exact.astype(mine.dtype), 0, abs(mine.astype(np.longdouble) - exact) / unit)


def _exact_enough(dtype) -> None:
    if np.finfo(np.longdouble).eps > np.finfo(dtype).eps / 100:
        pytest.skip("long double is no wider here")


@every_function
@every_dtype
def test_error_over_the_whole_range(apply, name, dtype):
    _exact_enough(dtype)
    x = _arguments(dtype)
    mine, exact = apply(name, x)
    np.testing.assert_array_equal(np.isnan(mine), np.isnan(exact))
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
    endless = np.isinf(rounded)
    np.testing.assert_array_equal(mine[endless], rounded[endless])
    kept = np.isfinite(exact) & ~endless
    errors = _ulps(mine[kept], exact[kept])
    worst = np.argmax(errors)
    assert errors[worst] <= FUNCTIONS[name][1], f"at {x[kept][worst]!r}: {errors[worst]:.3f} ulp"


@every_dtype
def test_the_normal_distribution_within_2_ulp_where_it_is_not_small(apply, dtype):
    _exact_enough(dtype)
    x = np.random.default_rng(1).uniform(-0.65, 40, 20000).astype(dtype)
    assert _ulps(*apply("vnormal_cdf", x)).max() <= 2


@every_dtype
@pytest.mark.parametrize("name", ["vtanh", "verf"])
def test_odd_functions_are_odd_to_the_bit_and_keep_the_sign_of_zero(apply, name, dtype):
    x = _arguments(dtype)
    np.testing.assert_array_equal(apply(name, -x)[0], -apply(name, x)[0])
    assert np.signbit(apply(name, np.array([-0.0], dtype))[0][0])


@every_function
@every_dtype
def test_a_value_does_not_depend_on_its_neighbours(apply, name, dtype):
    x = _arguments(dtype)
    y = apply(name, x)[0]
    for n in (1, 2, 3, 5, 9, 17):
        np.testing.assert_array_equal(apply(name, x[-n:].copy())[0], y[-n:])
    np.testing.assert_array_equal(apply(name, x[::-1].copy())[0], y[::-1])
