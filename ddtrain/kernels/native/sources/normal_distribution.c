/* The normal distribution's density and distribution function. */
#include "vecmath.h"

EXPORT void normal_pdf(const real *x, real *y, int64_t n) {
  FOR_BLOCKS(n, { STORE(y, vbell(LOAD(x)) * DENSITY_AT_0); });
}
EXPORT void normal_cdf(const real *x, real *y, int64_t n) {
  FOR_BLOCKS(n, { STORE(y, vnormal_cdf(LOAD(x))); });
}
