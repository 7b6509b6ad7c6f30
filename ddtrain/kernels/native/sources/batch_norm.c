/* Batch normalisation; see kernels/batch_norm.py, whose Note [Batch-norm moments] says why moments are merged.

   `moments` are 1 + 2 * C doubles: the count, the means, the sums of squared deviations (M2). */
#include "columns.h"

/* Moments of b entries join those of a, in each of n columns (Chan, Golub and LeVeque). */
static void join(double *mean, double *m2, double a, const double *mean_b, const double *m2_b, double b, int64_t n) {
  const double share = b / (a + b), between = a * share;
  for (int64_t c = 0; c < n; c++) {
    const double apart = mean_b[c] - mean[c];
    mean[c] += apart * share;
    m2[c] += m2_b[c] + apart * between * apart; /* in this order: 0 where a or b is, however far apart */
  }
}

/* Sums of deviations from about, and of their squares, in each column of some wide rows. */
static void deviations(const real *x, int64_t width, int64_t rows, const real *about, real *rest, real *square) {
  clear(rest, width, sizeof(real)), clear(square, width, sizeof(real));
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4, x += 4 * width)
    for (int64_t j = 0; j < width; j += LANES) {
      const vec middle = load(about + j), a = load(x + j) - middle, b = load(x + width + j) - middle,
                c = load(x + 2 * width + j) - middle, d = load(x + 3 * width + j) - middle;
      store(rest + j, load(rest + j) + ((a + b) + (c + d)));
      store(square + j, load(square + j) + ((a * a + b * b) + (c * c + d * d)));
    }
  for (; r < rows; r++, x += width)
    for (int64_t j = 0; j < width; j += LANES) {
      const vec a = load(x + j) - load(about + j);
      store(rest + j, load(rest + j) + a);
      store(square + j, load(square + j) + a * a);
    }
}

/* Moments of some wide rows in one pass, which takes deviations from the mean of the first ones. Where these are so
   unlike the others that M2 would lose more than two bits, a second pass takes them from the mean that is known by
   then. */
static void chunk_moments(const real *x, int64_t width, int64_t rows, real *space, double *mean, double *m2) {
  real *about = space, *rest = about + width, *square = rest + width;
  const int64_t first = least(rows, 16);
  clear(about, width, sizeof(real));
  for (int64_t r = 0; r < first; r++)
    for (int64_t j = 0; j < width; j += LANES) store(about + j, load(about + j) + load(x + r * width + j));
  for (int64_t j = 0; j < width; j++) about[j] /= (real)first;
  const double share = 1 / (double)rows;
  for (int pass = 0; pass < 2; pass++) {
    int lossy = 0;
    deviations(x, width, rows, about, rest, square);
    for (int64_t j = 0; j < width; j++) {
      const double missed = (double)rest[j] * share, lost = missed * (double)rest[j];
      const double found = (double)square[j] - lost;
      mean[j] = (double)about[j] + missed;
      m2[j] = found < 0 ? 0 : found; /* NaN stays */
      lossy |= lost > 3 * found;
    }
    if (!lossy) break;
    for (int64_t j = 0; j < width; j++) about[j] = (real)mean[j];
  }
}

/* space: 7 * W doubles */
EXPORT void batch_norm_moments(const real *x, double *moments, double *space, int64_t rows, int64_t channels) {
  const columns w = columns_of(rows, channels);
  double *mean = space, *m2 = mean + w.width, *mean_b = m2 + w.width, *m2_b = mean_b + w.width;
  real *wide = (real *)(m2_b + w.width);
  clear(space, 2 * w.width, sizeof(double));
  for (int64_t start = 0; start < w.rows; start += 4 * CHUNK) { /* deviations are small, and so are their sums */
    const int64_t n = least(4 * CHUNK, w.rows - start);
    chunk_moments(x + start * w.width, w.width, n, wide, mean_b, m2_b);
    join(mean, m2, (double)start, mean_b, m2_b, (double)n, w.width);
  }
  const real *last = x + w.rows * w.width;
  const double share = 1 / (double)(w.rows + 1);
  for (int64_t j = 0; j < w.rest; j++) { /* one entry more in each of these columns */
    const double apart = (double)last[j] - mean[j];
    mean[j] += apart * share;
    m2[j] += apart * (share * (double)w.rows) * apart;
  }
  double count = 0;
  clear(moments, 1 + 2 * channels, sizeof(double));
  for (int64_t k = 0; k < w.repeats; k++) {
    const double n = (double)(w.rows + (k * channels < w.rest));
    if (n == 0) continue;
    join(moments + 1, moments + 1 + channels, count, mean + k * channels, m2 + k * channels, n, channels);
    count += n;
  }
  moments[0] = count;
}

/* parts: the moments of each part, one after the other */
static void merge(const double *parts, double *moments, int64_t n_parts, int64_t channels) {
  const int64_t size = 1 + 2 * channels;
  double count = 0;
  clear(moments, size, sizeof(double));
  for (int64_t p = 0; p < n_parts; p++, parts += size)
    if (parts[0] > 0) {
      join(moments + 1, moments + 1 + channels, count, parts + 1, parts + 1 + channels, parts[0], channels);
      count += parts[0];
    }
  moments[0] = count;
}

/* Running statistics with a share of the batch's; a single value has no variance, and none has neither. */
EXPORT void batch_norm_running(const double *moments, const real *mean, const real *variance, double *running,
                               int64_t channels, double share) {
  const double count = moments[0], share_mean = count > 0 ? share : 0, share_variance = count > 1 ? share : 0;
  for (int64_t c = 0; c < channels; c++) {
    const double unbiased = count > 1 ? moments[1 + channels + c] / (count - 1) : 0;
    running[c] = (1 - share_mean) * mean[c] + share_mean * moments[1 + c];
    running[channels + c] = (1 - share_variance) * variance[c] + share_variance * unbiased;
  }
}

/* y = (x - mean) * inv_std * scale + shift, with the moments of all parts, and inv_std; space: 3 * W doubles */
EXPORT void batch_norm_normalise(const real *x, const double *parts, const real *scale, const real *shift, real *y,
                                 double *moments, double *inv_std, double *space, int64_t rows, int64_t channels,
                                 int64_t n_parts, double eps) {
  merge(parts, moments, n_parts, channels);
  const columns w = columns_of(rows, channels);
  real *mean = (real *)space, *factor = mean + w.width, *move = factor + w.width;
  const double count = moments[0] > 1 ? moments[0] : 1;
  for (int64_t c = 0; c < channels; c++) {
    inv_std[c] = 1 / sqrt(moments[1 + channels + c] / count + eps);
    mean[c] = (real)moments[1 + c];
    factor[c] = (real)(scale[c] * inv_std[c]);
    move[c] = shift[c];
  }
  spread(mean, w, channels), spread(factor, w, channels), spread(move, w, channels);
  int64_t r = 0;
  for (; r + 4 <= w.rows; r += 4, x += 4 * w.width, y += 4 * w.width)
    for (int64_t j = 0; j < w.width; j += LANES) {
      const vec m = load(mean + j), f = load(factor + j), s = load(move + j);
      for (int i = 0; i < 4; i++) store(y + i * w.width + j, (load(x + i * w.width + j) - m) * f + s);
    }
  for (; r < w.rows; r++, x += w.width, y += w.width)
    for (int64_t j = 0; j < w.width; j += LANES)
      store(y + j, (load(x + j) - load(mean + j)) * load(factor + j) + load(move + j));
  FOR_BLOCKS(w.rest, { STORE(y, (LOAD(x) - LOAD(mean)) * LOAD(factor) + LOAD(move)); });
}

/* sums: of g, then of g * x_hat, C doubles each; both again as d_shift and d_scale.
   space: 5 * W doubles */
EXPORT void batch_norm_backward_sums(const real *g, const real *x, const double *moments, const double *inv_std,
                                     double *sums, real *d_scale, real *d_shift, double *space, int64_t rows,
                                     int64_t channels) {
  const columns w = columns_of(rows, channels);
  const int64_t width = w.width;
  double *sum_g = space, *sum_gx = sum_g + width;
  real *mean = (real *)(sum_gx + width), *chunk_g = mean + width, *chunk_gx = chunk_g + width;
  clear(space, 2 * width, sizeof(double)), clear(chunk_g, 2 * width, sizeof(real));
  for (int64_t c = 0; c < channels; c++) mean[c] = (real)moments[1 + c];
  spread(mean, w, channels);
  for (int64_t start = 0; start < w.rows; start += CHUNK) {
    const int64_t end = least(start + CHUNK, w.rows);
    int64_t r = start;
    for (; r + 4 <= end; r += 4, g += 4 * width, x += 4 * width)
      for (int64_t j = 0; j < width; j += LANES) {
        const vec m = load(mean + j), a = load(g + j), b = load(g + width + j), c = load(g + 2 * width + j),
                  d = load(g + 3 * width + j);
        const vec half = a * (load(x + j) - m) + b * (load(x + width + j) - m),
                  other = c * (load(x + 2 * width + j) - m) + d * (load(x + 3 * width + j) - m);
        store(chunk_g + j, load(chunk_g + j) + ((a + b) + (c + d)));
        store(chunk_gx + j, load(chunk_gx + j) + (half + other));
      }
    for (; r < end; r++, g += width, x += width)
      for (int64_t j = 0; j < width; j += LANES) {
        const vec a = load(g + j);
        store(chunk_g + j, load(chunk_g + j) + a);
        store(chunk_gx + j, load(chunk_gx + j) + a * (load(x + j) - load(mean + j)));
      }
    settle(sum_g, chunk_g, width), settle(sum_gx, chunk_gx, width);
  }
  for (int64_t j = 0; j < w.rest; j++) {
    sum_g[j] += (double)g[j];
    sum_gx[j] += (double)(g[j] * (x[j] - mean[j]));
  }
  gather(sum_g, w, channels), gather(sum_gx, w, channels);
  for (int64_t c = 0; c < channels; c++) {
    sums[c] = sum_g[c];
    sums[channels + c] = sum_gx[c] * inv_std[c];
    d_shift[c] = (real)sums[c];
    d_scale[c] = (real)sums[channels + c];
  }
}

/* dx = scale * inv_std * (g - mean_g - x_hat * mean_gx), where the means are sums over all ranks by their count.
   space: 4 * W doubles */
EXPORT void batch_norm_backward_input(const real *g, const real *x, const double *moments, const double *inv_std,
                                      const real *scale, const double *sums, real *dx, double *space, int64_t rows,
                                      int64_t channels) {
  const columns w = columns_of(rows, channels);
  real *mean = (real *)space, *slope = mean + w.width, *mean_g = slope + w.width, *factor = mean_g + w.width;
  const double count = moments[0] > 1 ? moments[0] : 1;
  for (int64_t c = 0; c < channels; c++) {
    mean[c] = (real)moments[1 + c];
    slope[c] = (real)(-inv_std[c] * (sums[channels + c] / count));
    mean_g[c] = (real)(sums[c] / count);
    factor[c] = (real)(scale[c] * inv_std[c]);
  }
  spread(mean, w, channels), spread(slope, w, channels), spread(mean_g, w, channels), spread(factor, w, channels);
  int64_t r = 0;
  for (; r + 4 <= w.rows; r += 4, g += 4 * w.width, x += 4 * w.width, dx += 4 * w.width)
    for (int64_t j = 0; j < w.width; j += LANES) {
      const vec m = load(mean + j), s = load(slope + j), mg = load(mean_g + j), f = load(factor + j);
      for (int i = 0; i < 4; i++) {
        const int64_t at = i * w.width + j;
        store(dx + at, ((load(x + at) - m) * s + load(g + at) - mg) * f);
      }
    }
  for (; r < w.rows; r++, g += w.width, x += w.width, dx += w.width)
    for (int64_t j = 0; j < w.width; j += LANES)
      store(dx + j,
            ((load(x + j) - load(mean + j)) * load(slope + j) + load(g + j) - load(mean_g + j)) * load(factor + j));
  FOR_BLOCKS(w.rest, {
    STORE(dx, ((LOAD(x) - LOAD(mean)) * LOAD(slope) + LOAD(g) - LOAD(mean_g)) * LOAD(factor));
  });
}
