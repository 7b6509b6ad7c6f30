/* Softmax and its relatives over rows of k entries.

   Rows come in blocks. A wide row is a block by itself, a vector of it at a time. Of narrow ones LANES make a block,
   with an entry of each row in a vector: so there are no sums across a vector and no half-filled ones. Functions of a
   block are written once for both; `narrow` is a constant where they are used. Each row is read twice or three times,
   but from the cache. */
#include "vecmath.h"

#define NARROW (4 * LANES) /* rows of fewer entries are narrow */
#define ENDLESS ((real)__builtin_inf())

/* Runs STATEMENT for all vectors of a block. In it GET(p) and PUT(p, v) read and write a vector of p, and FIRST(v) is v
   with 0 for entries that were met before: the last vector of a wide row ends where the row does, whatever its start */
#define FOR_VECTORS(STATEMENT)                                            \
  do {                                                                    \
    int64_t at = 0;                                                       \
    const ivec met = LANE < (integer)(LANES - k % LANES);                 \
    (void)met;                                                            \
    for (; at + (narrow ? 1 : LANES) <= k; at += narrow ? 1 : LANES) {    \
      enum { again_ = 0 };                                                \
      STATEMENT                                                           \
    }                                                                     \
    if (at < k) {                                                         \
      enum { again_ = 1 };                                                \
      at = k - LANES;                                                     \
      STATEMENT                                                           \
    }                                                                     \
  } while (0)
#define GET(p) (narrow ? gathered((p) + at, k, rows) : load((p) + at))
#define PUT(p, v) (narrow ? scatter((p) + at, (v), k, rows) : store((p) + at, (v)))
#define FIRST(v) (again_ ? choose(met, (vec){0}, (v)) : (v))
#if VEC_BYTES / REAL_BYTES == 16
#define LANE ((ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif VEC_BYTES / REAL_BYTES == 8
#define LANE ((ivec){0, 1, 2, 3, 4, 5, 6, 7})
#elif VEC_BYTES / REAL_BYTES == 4
#define LANE ((ivec){0, 1, 2, 3})
#else
#define LANE ((ivec){0, 1})
#endif

/* an entry of each of some rows, k apart; the first row stands for those that are not there */
INLINE vec gathered(const real *x, int64_t k, int64_t rows) {
  vec v = {0};
#pragma GCC unroll 16
  for (int l = 0; l < LANES; l++) v[l] = x[l < rows ? l * k : 0];
  return v;
}
INLINE void scatter(real *y, vec v, int64_t k, int64_t rows) {
#pragma GCC unroll 16
  for (int l = 0; l < LANES; l++)
    if (l < rows) y[l * k] = v[l];
}
/* a number a row */
INLINE vec of_rows(const real *p, int64_t rows, int narrow) { return narrow ? load_some(p, rows) : splat(p[0]); }
INLINE void to_rows(real *p, vec v, int64_t rows, int narrow) {
  if (narrow) store_some(p, v, rows);
  else p[0] = v[0];
}
INLINE vec all_of(vec sum, int narrow) { return narrow ? sum : splat(total(sum)); }

INLINE vec top_of(const real *x, int64_t k, int64_t rows, int narrow) {
  vec top = splat(-ENDLESS);
  if (narrow) {
    FOR_VECTORS({ top = larger(GET(x), top); });
    return top;
  }
  vec tops[4] = {top, top, top, top}; /* side by side: each waits for itself alone */
  for (int64_t at = 0; at < k; at += 4 * LANES) {
    const real *p = x + (at + 4 * LANES <= k ? at : k - 4 * LANES);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) tops[i] = larger(load(p + i * LANES), tops[i]);
  }
  return splat(largest(larger(larger(tops[0], tops[1]), larger(tops[2], tops[3]))));
}
/* y = exp(x - top), and its sum; NaN in a row makes the sum NaN */
INLINE vec exponentials(const real *x, real *y, vec top, int64_t k, int64_t rows, int narrow) {
  vec sum = {0};
  FOR_VECTORS({
    const vec e = vexp(GET(x) - top);
    if (y) PUT(y, e);
    sum += FIRST(e);
  });
  return all_of(sum, narrow);
}

/* FUNCTION(i, rows, narrow) for all blocks, i being the first row of one */
#define FOR_ROWS(FUNCTION)                                              \
  do {                                                                  \
    int64_t i = 0;                                                      \
    if (k >= NARROW)                                                    \
      for (; i < m; i++) FUNCTION(i, 1, 0);                             \
    for (; i + LANES <= m; i += LANES) FUNCTION(i, LANES, 1);           \
    if (i < m) FUNCTION(i, m - i, 1);                                   \
  } while (0)

INLINE void softmax_block(const real *x, real *y, int64_t k, int64_t rows, int narrow) {
  const vec share = 1 / exponentials(x, y, top_of(x, k, rows, narrow), k, rows, narrow);
  FOR_VECTORS({
    const vec e = GET(y);
    const vec scaled = e * share;
    const vec kept = choose(met, e, scaled);
    PUT(y, again_ ? kept : scaled);
  });
}
EXPORT void softmax(const real *x, real *y, int64_t m, int64_t k) {
#define BLOCK(i, rows, narrow) softmax_block(x + i * k, y + i * k, k, rows, narrow)
  FOR_ROWS(BLOCK);
#undef BLOCK
}

/* y * (g - sum(g * y)) */
INLINE void softmax_backward_block(const real *g, const real *y, real *dx, int64_t k, int64_t rows, int narrow) {
  vec sum = {0};
  FOR_VECTORS({
    const vec product = GET(g) * GET(y);
    sum += FIRST(product);
  });
  sum = all_of(sum, narrow);
  FOR_VECTORS({ PUT(dx, GET(y) * (GET(g) - sum)); });
}
EXPORT void softmax_backward(const real *g, const real *y, real *dx, int64_t m, int64_t k) {
#define BLOCK(i, rows, narrow) softmax_backward_block(g + i * k, y + i * k, dx + i * k, k, rows, narrow)
  FOR_ROWS(BLOCK);
#undef BLOCK
}

INLINE void log_softmax_block(const real *x, real *y, int64_t k, int64_t rows, int narrow) {
  const vec top = top_of(x, k, rows, narrow);
  const vec rest = vlog(exponentials(x, 0, top, k, rows, narrow));
  FOR_VECTORS({ PUT(y, GET(x) - top - rest); });
}
EXPORT void log_softmax(const real *x, real *y, int64_t m, int64_t k) {
#define BLOCK(i, rows, narrow) log_softmax_block(x + i * k, y + i * k, k, rows, narrow)
  FOR_ROWS(BLOCK);
#undef BLOCK
}

/* g - exp(y) * sum(g) */
INLINE void log_softmax_backward_block(const real *g, const real *y, real *dx, int64_t k, int64_t rows, int narrow) {
  vec sum = {0};
  FOR_VECTORS({
    const vec v = GET(g);
    sum += FIRST(v);
  });
  sum = all_of(sum, narrow);
  FOR_VECTORS({ PUT(dx, GET(g) - vexp(GET(y)) * sum); });
}
EXPORT void log_softmax_backward(const real *g, const real *y, real *dx, int64_t m, int64_t k) {
#define BLOCK(i, rows, narrow) log_softmax_backward_block(g + i * k, y + i * k, dx + i * k, k, rows, narrow)
  FOR_ROWS(BLOCK);
#undef BLOCK
}

/* losses = log(sum(exp(x - top))) - (x[label] - top); e = exp(x - top) and its sums are kept for the way back. A label
   that is no class, which callers do not give, has the loss NaN and no derivative. */
INLINE void cross_entropy_block(const real *x, const int64_t *labels, real *losses, real *e, real *sums, int64_t k,
                                int64_t rows, int narrow) {
  vec chosen = splat(__builtin_nan(""));
  for (int l = 0; l < rows; l++)
    if ((uint64_t)labels[l] < (uint64_t)k) chosen[l] = x[l * k + labels[l]];
  const vec top = top_of(x, k, rows, narrow);
  const vec sum = exponentials(x, e, top, k, rows, narrow);
  to_rows(sums, sum, rows, narrow);
  to_rows(losses, vlog(sum) - (chosen - top), rows, narrow);
}
EXPORT void cross_entropy(const real *x, const int64_t *labels, real *losses, real *e, real *sums, int64_t m,
                          int64_t k) {
#define BLOCK(i, rows, narrow) \
  cross_entropy_block(x + i * k, labels + i, losses + i, e + i * k, sums + i, k, rows, narrow)
  FOR_ROWS(BLOCK);
#undef BLOCK
}

/* dx = g * (e / sum - one_hot(label)) */
INLINE void cross_entropy_backward_block(const real *g, const real *e, const real *sums, const int64_t *labels,
                                         real *dx, int64_t k, int64_t rows, int narrow) {
  const vec scale = of_rows(g, rows, narrow) / of_rows(sums, rows, narrow);
  FOR_VECTORS({ PUT(dx, GET(e) * scale); });
  for (int l = 0; l < rows; l++)
    if ((uint64_t)labels[l] < (uint64_t)k) dx[l * k + labels[l]] -= g[l];
}
EXPORT void cross_entropy_backward(const real *g, const real *e, const real *sums, const int64_t *labels, real *dx,
                                   int64_t m, int64_t k) {
#define BLOCK(i, rows, narrow) \
  cross_entropy_backward_block(g + i, e + i * k, sums + i, labels + i, dx + i * k, k, rows, narrow)
  FOR_ROWS(BLOCK);
#undef BLOCK
}
