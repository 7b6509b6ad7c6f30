/* Products of small matrices that lie in cache, C += A B, tile by tile in registers: no packing, any strides of A. */
#ifndef DDTRAIN_SMALL_PRODUCTS_H
#define DDTRAIN_SMALL_PRODUCTS_H
#include "simd.h"

#ifndef TILE_ROWS
#define TILE_ROWS (VEC_BYTES == 16 ? 4 : 6) /* times two vectors: sums that the registers hold */
#endif
#define PANEL (2 * LANES) /* columns of a tile */

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }
INLINE int64_t vectors_of(int64_t n) { return (n + LANES - 1) / LANES; }

INLINE real *take(real **room, int64_t n) {
  real *taken = *room;
  *room += n;
  return taken;
}

/* A matrix whose entry (i, k) is p[i * row + k * step]. */
typedef struct {
  const real *p;
  int64_t row, step;
} matrix;

/* c[i * ldc + j] = (add ? c : 0) + sum over k < depth of a(i, k) * b[k * ldb + j], for i < rows, j < vecs * LANES */
INLINE void tile(const int rows, const int vecs, const int add, real *c, int64_t ldc, matrix a, const real *b,
                 int64_t ldb, int64_t depth) {
  vec sum[TILE_ROWS][2];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vecs; j++) sum[i][j] = add ? load(c + i * ldc + j * LANES) : splat(0);
  for (int64_t k = 0; k < depth; k++) {
    vec of_b[2];
#pragma GCC unroll 2
    for (int j = 0; j < vecs; j++) of_b[j] = load(b + k * ldb + j * LANES);
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      const vec of_a = splat(a.p[i * a.row + k * a.step]);
#pragma GCC unroll 2
      for (int j = 0; j < vecs; j++) sum[i][j] += of_a * of_b[j];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
    for (int j = 0; j < vecs; j++) store(c + i * ldc + j * LANES, sum[i][j]);
}

/* The same for a tile of any number of rows up to TILE_ROWS, and one or two vectors. */
static NOINLINE void product_tile(int64_t rows, int64_t vecs, int add, real *c, int64_t ldc, matrix a, const real *b,
                                  int64_t ldb, int64_t depth) {
#define ROWS(n, v)                                        \
  if (add) tile(n, v, 1, c, ldc, a, b, ldb, depth);       \
  else tile(n, v, 0, c, ldc, a, b, ldb, depth)
  if (rows == TILE_ROWS) {
    if (vecs == 2) {
      ROWS(TILE_ROWS, 2);
    } else {
      ROWS(TILE_ROWS, 1);
    }
    return;
  }
  for (; rows >= 2; rows -= 2, c += 2 * ldc, a.p += 2 * a.row) {
    if (vecs == 2) {
      ROWS(2, 2);
    } else {
      ROWS(2, 1);
    }
  }
  if (!rows) return;
  if (vecs == 2) {
    ROWS(1, 2);
  } else {
    ROWS(1, 1);
  }
#undef ROWS
}

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ivec){__VA_ARGS__})
#endif
/* entries of a and b by turns, of their first halves and of their second */
#if LANES == 2
#define FIRSTS(a, b) SHUFFLE(a, b, 0, 2)
#define SECONDS(a, b) SHUFFLE(a, b, 1, 3)
#elif LANES == 4
#define FIRSTS(a, b) SHUFFLE(a, b, 0, 4, 1, 5)
#define SECONDS(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#elif LANES == 8
#define FIRSTS(a, b) SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define SECONDS(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#else
#define FIRSTS(a, b) SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define SECONDS(a, b) SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif

/* rows and columns of LANES vectors change places: each of log2(LANES) shuffles turns the bits of places by one */
INLINE void transpose_block(vec *rows) {
#pragma GCC unroll 4
  for (int turn = 1; turn < LANES; turn *= 2) {
    vec turned[LANES];
#pragma GCC unroll 8
    for (int i = 0; i < LANES / 2; i++) {
      turned[2 * i] = FIRSTS(rows[i], rows[i + LANES / 2]);
      turned[2 * i + 1] = SECONDS(rows[i], rows[i + LANES / 2]);
    }
    memcpy(rows, turned, sizeof turned);
  }
}

/* x (n, width) transposed, times a factor, in panels of PANEL columns, each (width, PANEL): what is the B of a tile; 0 beyond n.
   Rows of x may be read up to a whole number of vectors, and to has room for them. */
static NOINLINE void transpose_into_panels(real *to, const real *x, int64_t row, int64_t n, int64_t width,
                                           real factor) {
  for (int64_t j = 0; j < n; j += PANEL, to += width * PANEL)
    for (int part = 0; part < 2; part++)
      for (int64_t d = 0; d < width; d += LANES) {
        vec rows[LANES];
        for (int i = 0; i < LANES; i++) {
          const int64_t at = j + part * LANES + i;
          rows[i] = at < n ? load(x + at * row + d) : splat(0);
        }
        transpose_block(rows);
        for (int i = 0; i < LANES && d + i < width; i++) store(to + (d + i) * PANEL + part * LANES, rows[i] * factor);
      }
}
/* x with rows that may be read in whole vectors: itself, or a copy filled up with 0 */
static matrix readable(const real *x, int64_t row, int64_t n, int64_t width, real **room) {
  if (width % LANES == 0) return (matrix){x, row, 1};
  const int64_t padded = whole(width, LANES);
  real *copy = take(room, n * padded);
  for (int64_t i = 0; i < n; i++) {
    memcpy(copy + i * padded, x + i * row, (size_t)width * sizeof(real));
    memset(copy + i * padded + width, 0, (size_t)(padded - width) * sizeof(real));
  }
  return (matrix){copy, padded, 1};
}
#endif
