/* Sums of products with a table for each factor: what convolutions, direct and by Winograd, are made of.

   out[places[i]][j] += sum over t of x[rows[i] + terms[t]] * b[t][j]

   is a matrix product whose left factor need not be written down: `rows` says where each row begins, `terms` how far
   from there its entries lie. Sums of some rows and columns stay in registers over all terms. */
#ifndef DDTRAIN_PRODUCTS_H
#define DDTRAIN_PRODUCTS_H
#include "simd.h"

typedef int32_t place; /* a distance, in entries of an array */

#if defined(__AVX512F__) || defined(__aarch64__)
#define MOST_VECTORS 4 /* of 32 registers */
#define ROWS_OF(vectors) ((vectors) > 2 ? 6 : 8)
#else
#define MOST_VECTORS 3 /* of 16 registers, of which sums take 12 */
#define ROWS_OF(vectors) ((vectors) == 1 ? 8 : (vectors) == 2 ? 6 : 4)
#endif
enum {
  MOST_ROWS = 8,
  CHUNK_VECTORS = (16 << 10) / VEC_BYTES, /* of the right factor at a time: half of L1 */
};

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* ROWS_OF(vectors) rows of vectors * LANES columns; of the last vector, `last` columns are written.
   pitch: from one term of b to the next. start: what sums begin with, the same for each row; NULL adds to out.
   diagonal: column j sees x[rows[i] + terms[t] + j]. */
#define BLOCK_ARGUMENTS                                                                                              \
  const real *x, const place *rows, const place *terms, int64_t n, const real *b, int64_t pitch, const real *start, \
      real *out, const place *places, int64_t last

INLINE void block(const int vectors, const int diagonal, BLOCK_ARGUMENTS) {
  const int count = ROWS_OF(vectors);
  vec sum[MOST_ROWS][MOST_VECTORS];
  const real *from[MOST_ROWS];
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) {
    from[i] = x + rows[i];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) sum[i][v] = (vec){0};
  }
#pragma GCC unroll 1 /* unrolled, gcc 12 runs out of registers */
  for (int64_t t = 0; t < n; t++, b += pitch) {
    const int64_t term = terms[t];
    vec factor[MOST_VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      factor[v] = load(b + v * LANES);
      KEEP(factor[v]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
      const vec seen = splat(from[i][term]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; v++) sum[i][v] += (diagonal ? load(from[i] + term + v * LANES) : seen) * factor[v];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      const real *before = start ? start + v * LANES : out + places[i] + v * LANES;
      sum[i][v] += start || v < vectors - 1 || last == LANES ? load(before) : load_some(before, last);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < count; i++) { /* all are read before one is written: two rows may be the same */
    real *to = out + places[i];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      if (v < vectors - 1 || last == LANES) store(to + v * LANES, sum[i][v]);
      else store_part(to + v * LANES, sum[i][v], last);
    }
  }
}

#define BLOCK(name, vectors, diagonal)                                               \
  static void name(BLOCK_ARGUMENTS) {                                                \
    block(vectors, diagonal, x, rows, terms, n, b, pitch, start, out, places, last); \
  }
BLOCK(block_1, 1, 0)
BLOCK(block_2, 2, 0)
BLOCK(block_3, 3, 0)
#if MOST_VECTORS == 4
BLOCK(block_4, 4, 0)
#else
#define block_4 NULL
#endif
BLOCK(diagonal_1, 1, 1)
BLOCK(diagonal_2, 2, 1)

/* A product of `count` rows: chunks of terms whose right factor stays in L1, in each a block of rows after another. In
   the last block the last row stands for those that are missing. */
static void product(int vectors, int diagonal, const real *x, const place *rows, int64_t count, const place *terms,
                    int64_t n, const real *b, int64_t pitch, const real *start, real *out, const place *places,
                    int64_t last) {
  void (*const blocks[])(BLOCK_ARGUMENTS) = {block_1, block_2, block_3, block_4, diagonal_1, diagonal_2};
  void (*const one)(BLOCK_ARGUMENTS) = blocks[(diagonal ? 4 : 0) + vectors - 1];
  const int step = ROWS_OF(vectors);
  const int64_t full = count - count % step;
  place end_rows[MOST_ROWS], end_places[MOST_ROWS];
  for (int i = 0; i < step && full < count; i++) {
    end_rows[i] = rows[least(full + i, count - 1)];
    end_places[i] = places[least(full + i, count - 1)];
  }
  int64_t t = 0;
  do { /* once at least: no terms give `start` */
    const int64_t some = least(n - t, CHUNK_VECTORS / vectors);
    for (int64_t m = 0; m < full; m += step)
      one(x, rows + m, terms + t, some, b, pitch, start, out, places + m, last);
    if (full < count) one(x, end_rows, terms + t, some, b, pitch, start, out, end_places, last);
    t += some;
    b += some * pitch;
    start = NULL;
  } while (t < n);
}

/* Columns are taken by blocks of vectors: as many as go, and never one alone where two can be had. */
static inline int block_width(int64_t vectors_left) {
  if (vectors_left <= MOST_VECTORS) return (int)vectors_left;
  return MOST_VECTORS == 3 || vectors_left == MOST_VECTORS + 1 ? 2 : MOST_VECTORS;
}

#endif
