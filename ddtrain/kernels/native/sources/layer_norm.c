/* Layer normalisation, row by row while the row is in the nearest cache; see kernels/layer_norm.py.

   `centred` is 1 for layer norm, and 0 for normalisation by the root mean square, which has no means and no shifts. */
#include "simd.h"

enum { CHUNK = 128 }; /* rows whose sums are in the data's precision, before they join those in float64 */

/* the first n entries; the others are 0 */
INLINE vec some(vec v, int64_t n) {
  vec w = {0};
  memcpy(&w, &v, (size_t)n * sizeof(real));
  return w;
}

INLINE real row_sum(const real *x, int64_t size) {
  vec sum[4] = {0};
  int64_t j = 0;
  for (; j + 4 * LANES <= size; j += 4 * LANES)
    for (int v = 0; v < 4; v++) sum[v] += load(x + j + v * LANES);
  for (; j + LANES <= size; j += LANES) sum[0] += load(x + j);
  if (j < size) sum[1] += load_some(x + j, size - j);
  return total((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

INLINE real row_squares(const real *x, real mean, int64_t size) {
  vec sum[4] = {0};
  int64_t j = 0;
  for (; j + 4 * LANES <= size; j += 4 * LANES)
    for (int v = 0; v < 4; v++) {
      const vec apart = load(x + j + v * LANES) - mean;
      sum[v] += apart * apart;
    }
  for (; j + LANES <= size; j += LANES) {
    const vec apart = load(x + j) - mean;
    sum[0] += apart * apart;
  }
  if (j < size) {
    const vec apart = some(load_some(x + j, size - j) - mean, size - j);
    sum[1] += apart * apart;
  }
  return total((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

INLINE void forward(const real *x, const real *scale, const real *shift, real *y, real *means, real *inv_stds,
                    int64_t rows, int64_t size, double eps, const int centred) {
  const real share = 1 / (real)size;
  for (int64_t r = 0; r < rows; r++, x += size, y += size) {
    const real mean = centred ? row_sum(x, size) * share : 0;
    const real square = row_squares(x, mean, size) * share + (real)eps;
    const real inv_std = 1 / (sizeof(real) == 4 ? (real)sqrtf((float)square) : (real)sqrt(square));
    if (centred) {
      means[r] = mean;
      FOR_BLOCKS(size, { STORE(y, (LOAD(x) - mean) * inv_std * LOAD(scale) + LOAD(shift)); });
    } else {
      FOR_BLOCKS(size, { STORE(y, LOAD(x) * inv_std * LOAD(scale)); });
    }
    inv_stds[r] = inv_std;
  }
}

/* d_scale and d_shift grow by a row's part; returned are the sums of h = g * scale, and of h * x_hat */
typedef struct {
  real plain, along;
} row_sums;
INLINE row_sums grow(const real *g, const real *x, const real *scale, real mean, real inv_std, real *d_scale,
                     real *d_shift, int64_t size, const int centred) {
  vec plain = {0}, along = {0};
  FOR_BLOCKS(size, {
    const vec here = LOAD(g);
    const vec x_hat = (LOAD(x) - mean) * inv_std;
    const vec h = here * LOAD(scale);
    along += h * x_hat; /* beyond a row's end h is 0, and x_hat is finite where the row's numbers are */
    STORE(d_scale, LOAD(d_scale) + here * x_hat);
    if (centred) {
      plain += h;
      STORE(d_shift, LOAD(d_shift) + here);
    }
  });
  return (row_sums){total(plain), total(along)};
}

static void settle(double *sums, real *chunk, int64_t n) {
  for (int64_t j = 0; j < n; j++) sums[j] += (double)chunk[j];
  memset(chunk, 0, (size_t)n * sizeof(real));
}

INLINE void backward(const real *g, const real *x, const real *means, const real *inv_stds, const real *scale,
                     real *dx, real *d_scale, real *d_shift, double *space, int64_t rows, int64_t size,
                     const int centred) {
  const int64_t n = (1 + centred) * size;
  const real share = 1 / (real)size;
  double *sums = space;
  real *chunk = (real *)(space + n);
  memset(space, 0, 2 * (size_t)n * sizeof(double));
  for (int64_t r = 0; r < rows; r++, g += size, x += size, dx += size) {
    const real mean = centred ? means[r] : 0, inv_std = inv_stds[r];
    const row_sums s = grow(g, x, scale, mean, inv_std, chunk, chunk + size, size, centred);
    const real plain = s.plain * share, along = s.along * share;
    FOR_BLOCKS(size, {
      const vec h = LOAD(g) * LOAD(scale);
      STORE(dx, (h - plain - (LOAD(x) - mean) * inv_std * along) * inv_std);
    });
    if (r % CHUNK == CHUNK - 1 || r == rows - 1) settle(sums, chunk, n);
  }
  for (int64_t j = 0; j < size; j++) d_scale[j] = (real)sums[j];
  if (centred)
    for (int64_t j = 0; j < size; j++) d_shift[j] = (real)sums[size + j];
}

EXPORT void layer_norm(const real *x, const real *scale, const real *shift, real *y, real *means, real *inv_stds,
                       int64_t rows, int64_t size, double eps) {
  forward(x, scale, shift, y, means, inv_stds, rows, size, eps, 1);
}

/* space: 4 * size doubles */
EXPORT void layer_norm_backward(const real *g, const real *x, const real *means, const real *inv_stds,
                                const real *scale, real *dx, real *d_scale, real *d_shift, double *space, int64_t rows,
                                int64_t size) {
  backward(g, x, means, inv_stds, scale, dx, d_scale, d_shift, space, rows, size, 1);
}

EXPORT void rms_norm(const real *x, const real *scale, real *y, real *inv_rms, int64_t rows, int64_t size, double eps) {
  forward(x, scale, 0, y, 0, inv_rms, rows, size, eps, 0);
}

/* space: 2 * size doubles */
EXPORT void rms_norm_backward(const real *g, const real *x, const real *inv_rms, const real *scale, real *dx,
                              real *d_scale, double *space, int64_t rows, int64_t size) {
  backward(g, x, 0, inv_rms, scale, dx, d_scale, 0, space, rows, size, 0);
}
