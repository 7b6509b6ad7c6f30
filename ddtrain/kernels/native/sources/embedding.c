/* Rows of a table picked by index, and added back in order of position. */
#include "simd.h"

#define AHEAD 8 /* rows that are asked for before their turn: they lie anywhere */

/* indices of 4 or of 8 bytes; what is outside the table, which callers do not give, is its first or last row */
INLINE int64_t row_at(const void *indices, int64_t i, int64_t index_bytes, int64_t v) {
  const int64_t row = index_bytes == 4 ? ((const int32_t *)indices)[i] : ((const int64_t *)indices)[i];
  return row < 0 ? 0 : row < v ? row : v - 1;
}

/* y (m, e) = table (v, e) [indices] */
EXPORT void embedding_forward(const real *table, const void *indices, real *y, int64_t v, int64_t e, int64_t m,
                              int64_t index_bytes) {
  for (int64_t i = 0; i < m; i++) {
    if (i + AHEAD < m) __builtin_prefetch(table + row_at(indices, i + AHEAD, index_bytes, v) * e);
    memcpy(y + i * e, table + row_at(indices, i, index_bytes, v) * e, (size_t)e * sizeof(real));
  }
}

/* dtable (v, e) = the sums of the rows of g (m, e) of equal index; zero for the others, and for `padding`, if it is not
   negative. `met` has a byte a row: what is first of a sum is copied, so that only rows of no index are zeroed. */
EXPORT void embedding_backward(const real *restrict g, const void *indices, real *restrict dtable, uint8_t *met,
                               int64_t v, int64_t e, int64_t m, int64_t index_bytes, int64_t padding) {
  memset(met, 0, (size_t)v);
  for (int64_t i = 0; i < m; i++) {
    if (i + AHEAD < m) __builtin_prefetch(dtable + row_at(indices, i + AHEAD, index_bytes, v) * e, 1);
    const int64_t row = row_at(indices, i, index_bytes, v);
    const real *from = g + i * e;
    real *to = dtable + row * e;
    if (met[row])
      for (int64_t j = 0; j < e; j++) to[j] += from[j];
    else
      memcpy(to, from, (size_t)e * sizeof(real));
    met[row] = 1;
  }
  if (padding >= 0 && padding < v) met[padding] = 0;
  for (int64_t row = 0; row < v; row++)
    if (!met[row]) memset(dtable + row * e, 0, (size_t)e * sizeof(real));
}
