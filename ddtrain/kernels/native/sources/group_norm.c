/* Group normalisation, sample by sample while the sample is in the cache; see kernels/layer_norm.py.

   Sums are per channel first, over a sample's positions, and then over the channels of a group. */
#include "columns.h"

INLINE vec term(const real *x, const real *mean, int64_t j, const int squares) {
  if (!squares) return load(x + j);
  const vec apart = load(x + j) - load(mean + j);
  return apart * apart;
}

/* Per channel the sums of x, or of the squares of x - mean. space: 2 * W doubles */
INLINE void sums_of(const real *x, const real *mean, double *sums, double *space, const columns w, int64_t channels,
                    const int squares) {
  const int64_t width = w.width;
  real *chunk = (real *)(space + width);
  clear(space, width, sizeof(double)), clear(chunk, width, sizeof(real));
  for (int64_t start = 0; start < w.rows; start += CHUNK) {
    const int64_t end = least(start + CHUNK, w.rows);
    int64_t r = start;
    for (; r + 4 <= end; r += 4, x += 4 * width)
      for (int64_t j = 0; j < width; j += LANES)
        store(chunk + j,
              load(chunk + j) +
                  ((term(x, mean, j, squares) + term(x + width, mean, j, squares)) +
                   (term(x + 2 * width, mean, j, squares) + term(x + 3 * width, mean, j, squares))));
    for (; r < end; r++, x += width)
      for (int64_t j = 0; j < width; j += LANES) store(chunk + j, load(chunk + j) + term(x, mean, j, squares));
    settle(space, chunk, width);
  }
  for (int64_t j = 0; j < w.rest; j++) {
    const real v = squares ? x[j] - mean[j] : x[j];
    space[j] += (double)(squares ? v * v : v);
  }
  gather(space, w, channels);
  memcpy(sums, space, (size_t)channels * sizeof(double));
}

/* Per channel the sums of g, and of g * (x - mean). space: 4 * W doubles */
static void products_of(const real *g, const real *x, const real *mean, double *sum_g, double *sum_gx, double *space,
                        const columns w, int64_t channels) {
  const int64_t width = w.width;
  real *chunk = (real *)(space + 2 * width);
  clear(space, 2 * width, sizeof(double)), clear(chunk, 2 * width, sizeof(real));
  for (int64_t start = 0; start < w.rows; start += CHUNK) {
    const int64_t end = least(start + CHUNK, w.rows);
    int64_t r = start;
    for (; r + 4 <= end; r += 4, g += 4 * width, x += 4 * width)
      for (int64_t j = 0; j < width; j += LANES) {
        const vec m = load(mean + j), a = load(g + j), b = load(g + width + j), c = load(g + 2 * width + j),
                  d = load(g + 3 * width + j);
        const vec half = a * (load(x + j) - m) + b * (load(x + width + j) - m),
                  other = c * (load(x + 2 * width + j) - m) + d * (load(x + 3 * width + j) - m);
        store(chunk + j, load(chunk + j) + ((a + b) + (c + d)));
        store(chunk + width + j, load(chunk + width + j) + (half + other));
      }
    for (; r < end; r++, g += width, x += width)
      for (int64_t j = 0; j < width; j += LANES) {
        const vec v = load(g + j);
        store(chunk + j, load(chunk + j) + v);
        store(chunk + width + j, load(chunk + width + j) + v * (load(x + j) - load(mean + j)));
      }
    settle(space, chunk, 2 * width);
  }
  for (int64_t j = 0; j < w.rest; j++) {
    space[j] += (double)g[j];
    space[width + j] += (double)(g[j] * (x[j] - mean[j]));
  }
  gather(space, w, channels), gather(space + width, w, channels);
  memcpy(sum_g, space, (size_t)channels * sizeof(double));
  memcpy(sum_gx, space + width, (size_t)channels * sizeof(double));
}

/* y = (x - mean) * factor + move */
static void affine(const real *x, const real *mean, const real *factor, const real *move, real *y, const columns w) {
  for (int64_t r = 0; r < w.rows; r++, x += w.width, y += w.width)
    for (int64_t j = 0; j < w.width; j += LANES)
      store(y + j, (load(x + j) - load(mean + j)) * load(factor + j) + load(move + j));
  FOR_BLOCKS(w.rest, { STORE(y, (LOAD(x) - LOAD(mean)) * LOAD(factor) + LOAD(move)); });
}

/* space: 6 * W doubles */
EXPORT void group_norm(const real *x, const real *scale, const real *shift, real *y, real *means, real *inv_stds,
                       double *space, int64_t samples, int64_t positions, int64_t groups, int64_t channels,
                       double eps) {
  const columns w = columns_of(positions, channels);
  const int64_t size = channels / groups;
  const double share = 1 / (double)(positions * size);
  double *sums = space + 2 * w.width;
  real *mean = (real *)(sums + w.width), *factor = mean + w.width, *move = factor + w.width;
  for (int64_t c = 0; c < channels; c++) move[c] = shift[c];
  spread(move, w, channels);
  for (int64_t n = 0; n < samples; n++, x += positions * channels, y += positions * channels) {
    sums_of(x, 0, sums, space, w, channels, 0);
    for (int64_t k = 0; k < groups; k++) {
      double sum = 0;
      for (int64_t c = k * size; c < (k + 1) * size; c++) sum += sums[c];
      means[n * groups + k] = (real)(sum * share);
      for (int64_t c = k * size; c < (k + 1) * size; c++) mean[c] = means[n * groups + k];
    }
    spread(mean, w, channels);
    sums_of(x, mean, sums, space, w, channels, 1);
    for (int64_t k = 0; k < groups; k++) {
      double sum = 0;
      for (int64_t c = k * size; c < (k + 1) * size; c++) sum += sums[c];
      const double inv_std = 1 / sqrt(sum * share + eps);
      inv_stds[n * groups + k] = (real)inv_std;
      for (int64_t c = k * size; c < (k + 1) * size; c++) factor[c] = (real)(inv_std * scale[c]);
    }
    spread(factor, w, channels);
    affine(x, mean, factor, move, y, w);
  }
}

/* dx = inv_std * (h - mean(h) - x_hat * mean(h * x_hat)) with h = g * scale, each mean over a group.
   space: 13 * W doubles */
EXPORT void group_norm_backward(const real *g, const real *x, const real *means, const real *inv_stds,
                                const real *scale, real *dx, real *d_scale, real *d_shift, double *space,
                                int64_t samples, int64_t positions, int64_t groups, int64_t channels) {
  const columns w = columns_of(positions, channels);
  const int64_t size = channels / groups, width = w.width;
  const double share = 1 / (double)(positions * size);
  double *sum_g = space + 4 * width, *sum_gx = sum_g + channels, *all_g = sum_gx + channels, *all_gx = all_g + channels;
  real *mean = (real *)(all_gx + channels), *weight = mean + width, *slope = weight + width, *move = slope + width,
       *factor = move + width;
  clear(all_g, 2 * channels, sizeof(double));
  for (int64_t c = 0; c < channels; c++) weight[c] = scale[c];
  spread(weight, w, channels);
  for (int64_t n = 0; n < samples; n++) {
    for (int64_t c = 0; c < channels; c++) mean[c] = means[n * groups + c / size];
    spread(mean, w, channels);
    products_of(g, x, mean, sum_g, sum_gx, space, w, channels);
    for (int64_t k = 0; k < groups; k++) {
      const double inv_std = inv_stds[n * groups + k];
      double plain = 0, along = 0;
      for (int64_t c = k * size; c < (k + 1) * size; c++) {
        plain += scale[c] * sum_g[c];
        along += scale[c] * sum_gx[c] * inv_std;
        all_g[c] += sum_g[c];
        all_gx[c] += sum_gx[c] * inv_std;
      }
      for (int64_t c = k * size; c < (k + 1) * size; c++) {
        slope[c] = (real)(-inv_std * along * share);
        move[c] = (real)(plain * share);
        factor[c] = (real)inv_std;
      }
    }
    spread(slope, w, channels), spread(move, w, channels), spread(factor, w, channels);
    for (int64_t r = 0; r < w.rows; r++, g += width, x += width, dx += width)
      for (int64_t j = 0; j < width; j += LANES)
        store(dx + j, (load(g + j) * load(weight + j) - load(move + j) +
                       (load(x + j) - load(mean + j)) * load(slope + j)) *
                          load(factor + j));
    FOR_BLOCKS(w.rest, {
      STORE(dx, (LOAD(g) * LOAD(weight) - LOAD(move) + (LOAD(x) - LOAD(mean)) * LOAD(slope)) * LOAD(factor));
    });
    g += w.rest, x += w.rest, dx += w.rest;
  }
  for (int64_t c = 0; c < channels; c++) d_scale[c] = (real)all_gx[c], d_shift[c] = (real)all_g[c];
}
