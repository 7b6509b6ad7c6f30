/* Matrix products of the BLAS that NumPy uses, by the address that Python hands over.

   All matrices have their rows next to one another (row-major), as NumPy's have. The functions are called with the
   arguments that NumPy's matmul calls them with, so that the bits are the same. */
#ifndef DDTRAIN_GEMM_H
#define DDTRAIN_GEMM_H
#include "simd.h"

enum { ROW_MAJOR = 101, AS_IS = 111, TURNED = 112 };
typedef void gemm64(int, int, int, int64_t, int64_t, int64_t, real, const real *, int64_t, const real *, int64_t, real,
                    real *, int64_t);
typedef void gemm32(int, int, int, int32_t, int32_t, int32_t, real, const real *, int32_t, const real *, int32_t, real,
                    real *, int32_t);

/* c (m, n) = a (m, k) @ b (k, n) + beta * c; turned matrices are given as (k, m) and (n, k). `lda`, `ldb` and `ldc` are
   the distances between rows. */
INLINE void product(int64_t function, int64_t wide, int turn_a, int turn_b, int64_t m, int64_t n, int64_t k,
                    const real *a, int64_t lda, const real *b, int64_t ldb, real beta, real *c, int64_t ldc) {
  if (!m || !n) return;
  if (!k) {
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) c[i * ldc + j] *= beta;
    return;
  }
  const int ta = turn_a ? TURNED : AS_IS, tb = turn_b ? TURNED : AS_IS;
  if (wide)
    ((gemm64 *)(intptr_t)function)(ROW_MAJOR, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
  else
    ((gemm32 *)(intptr_t)function)(ROW_MAJOR, ta, tb, (int32_t)m, (int32_t)n, (int32_t)k, 1, a, (int32_t)lda, b,
                                   (int32_t)ldb, beta, c, (int32_t)ldc);
}
#endif
