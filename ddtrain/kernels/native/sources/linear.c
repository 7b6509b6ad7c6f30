/* The affine map: BLAS's products, with the bias and its gradient in passes of their own. */
#include "gemm.h"

/* y (m, k) = x (m, d) @ w (d, k) + b, which may be null; rows of x are `apart` entries from each other */
EXPORT void linear_forward(int64_t gemm, int64_t wide, const real *x, const real *w, const real *b, real *y, int64_t m,
                           int64_t d, int64_t k, int64_t apart) {
  product(gemm, wide, 0, 0, m, k, d, x, apart, w, k, 0, y, k);
  if (!d) memset(y, 0, (size_t)(m * k) * sizeof(real));
  if (b)
    for (int64_t r = 0; r < m; r++) FOR_BLOCKS(k, { STORE(y + r * k, LOAD(y + r * k) + LOAD(b)); });
}

/* dx (m, d) = g (m, k) @ w.T */
EXPORT void linear_backward_input(int64_t gemm, int64_t wide, const real *g, const real *w, real *dx, int64_t m,
                                  int64_t d, int64_t k) {
  product(gemm, wide, 0, 1, m, d, k, g, k, w, k, 0, dx, d);
  if (!k) memset(dx, 0, (size_t)(m * d) * sizeof(real));
}

/* dw (d, k) = x.T @ g over all rows */
EXPORT void linear_backward_weight(int64_t gemm, int64_t wide, const real *x, const real *g, real *dw, int64_t m,
                                   int64_t d, int64_t k, int64_t apart) {
  product(gemm, wide, 1, 0, d, k, m, x, apart, g, k, 0, dw, k);
  if (!m) memset(dw, 0, (size_t)(d * k) * sizeof(real));
}
