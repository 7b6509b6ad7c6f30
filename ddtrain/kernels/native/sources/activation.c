/* Elementwise activations: one pass over memory each. */
#include "simd.h"

/* y = max(x, 0); NaN stays NaN, -0 becomes 0 as in NumPy's maximum */
EXPORT void relu(const real *x, real *y, int64_t n) {
  const vec zero = {0};
  FOR_BLOCKS(n, {
    vec v = LOAD(x);
    STORE(y, choose(v <= zero, zero, v));
  });
}

/* dx = g where y is not 0 (NaN is not), else 0 * g, which keeps the sign of zero and NaN of the reference */
EXPORT void relu_backward(const real *g, const real *y, real *dx, int64_t n) {
  const vec zero = {0};
  FOR_BLOCKS(n, {
    vec v = LOAD(g);
    STORE(dx, choose(LOAD(y) != zero, v, v * zero));
  });
}
