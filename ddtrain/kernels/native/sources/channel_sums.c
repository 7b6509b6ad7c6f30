/* Sums over all axes but the channels; see kernels/channel_sums.py. */
#include "columns.h"

/* space: 2 * W doubles */
EXPORT void channel_sums(const real *x, real *out, double *space, int64_t rows, int64_t channels) {
  const columns w = columns_of(rows, channels);
  const int64_t width = w.width;
  real *chunk = (real *)(space + width);
  clear(space, width, sizeof(double)), clear(chunk, width, sizeof(real));
  for (int64_t start = 0; start < w.rows; start += CHUNK) {
    const int64_t end = least(start + CHUNK, w.rows);
    int64_t r = start;
    for (; r + 4 <= end; r += 4, x += 4 * width)
      for (int64_t j = 0; j < width; j += LANES) {
        const vec half = load(x + j) + load(x + width + j), other = load(x + 2 * width + j) + load(x + 3 * width + j);
        store(chunk + j, load(chunk + j) + (half + other));
      }
    for (; r < end; r++, x += width)
      for (int64_t j = 0; j < width; j += LANES) store(chunk + j, load(chunk + j) + load(x + j));
    settle(space, chunk, width);
  }
  for (int64_t j = 0; j < w.rest; j++) space[j] += (double)x[j];
  gather(space, w, channels);
  for (int64_t c = 0; c < channels; c++) out[c] = (real)space[c];
}
