/* Rows of C channels, seen as wide rows of W columns: so many rows side by side that their entries fill vectors.

   W is the smallest multiple of C that fills whole vectors, and at least NARROW of them. In a wide row a channel has
   W / C columns. Sums go down the columns: four wide rows at a time join sums that lie in the nearest cache, CHUNK wide
   rows join sums in float64, and last the columns of a channel join each other. The entries that are left over, less
   than a wide row, belong to its first columns. All of it is decided by the number of rows and channels. */
#ifndef DDTRAIN_COLUMNS_H
#define DDTRAIN_COLUMNS_H
#include "simd.h"

enum { NARROW = 8, CHUNK = 128 };

typedef struct {
  int64_t width, repeats; /* W, and columns of a channel */
  int64_t rows, rest;     /* wide rows, and entries left over */
} columns;

static inline columns columns_of(int64_t rows, int64_t channels) {
  int64_t step = channels;
  while (step % LANES) step += channels;
  int64_t width = step;
  while (width < NARROW * LANES) width += step;
  const int64_t wide = rows * channels / width;
  return (columns){width, width / channels, wide, rows * channels - wide * width};
}

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static inline void clear(void *p, int64_t n, size_t size) { memset(p, 0, (size_t)n * size); }

/* a channel's value in each of its columns; the first columns have them */
static inline void spread(real *wide, const columns w, int64_t channels) {
  for (int64_t j = channels; j < w.width; j++) wide[j] = wide[j - channels];
}

/* a channel's sum over its columns; the first columns get them */
static inline void gather(double *sums, const columns w, int64_t channels) {
  for (int64_t k = 1; k < w.repeats; k++)
    for (int64_t c = 0; c < channels; c++) sums[c] += sums[k * channels + c];
}

/* sums of a chunk join those in float64, and begin anew */
static inline void settle(double *sums, real *chunk, int64_t n) {
  for (int64_t j = 0; j < n; j++) sums[j] += (double)chunk[j];
  clear(chunk, n, sizeof(real));
}

#endif
