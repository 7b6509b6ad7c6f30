/* Updates of flat vectors, in place: every vector is read once and written once.

   All entries pass through the same machine code, wherever a piece of the vector begins or ends: whole vectors by a
   function that is compiled once, and the last few entries by that same function, in copies that are filled up. So
   how the vector is cut over ranks changes no bit, although products and sums are contracted as the compiler sees
   fit. v holds the vectors, values first and gradients second; c holds the numbers, in the vectors' precision. */
#include "simd.h"

#define VALUES 0
#define GRADS 1
#define MOST_VECTORS 5

typedef void (*blocks)(real *const *v, int64_t n, const real *c);

INLINE void update(blocks each, int count, real *const *v, int64_t n, const real *c) {
  const int64_t full = n - n % LANES, rest = n - full;
  real tail[MOST_VECTORS][LANES] = {{0}}, *last[MOST_VECTORS];
  each(v, full, c);
  if (!rest) return;
  for (int k = 0; k < count; k++) {
    last[k] = v[k] ? tail[k] : NULL;
    if (v[k]) memcpy(tail[k], v[k] + full, (size_t)rest * sizeof(real));
  }
  each(last, LANES, c);
  for (int k = 0; k < count; k++)
    if (v[k] && k != GRADS) memcpy(v[k] + full, tail[k], (size_t)rest * sizeof(real));
}
#define UPDATE(each, ...)                                                                         \
  do {                                                                                            \
    real *const vectors_[] = {__VA_ARGS__};                                                       \
    update(each, (int)(sizeof vectors_ / sizeof *vectors_), vectors_, n, c);                      \
  } while (0)

/* larger of the two, NaN where either is */
INLINE vec larger_or_nan(vec a, vec b) { return choose((b > a) | (b != b), b, a); }

/* scale * grad + decay * value; without decay, values do not enter */
INLINE vec gradient(vec grad, vec value, real scale, real decay) {
  vec g = grad * scale;
  if (decay != 0) g += value * decay;
  return g;
}
INLINE vec mix(vec mean, vec x, real keep, real rest) { return mean * keep + x * rest; }

/* sign(x) * max(|x| - threshold, 0); x - x is 0, with no rounding */
INLINE vec soft_threshold(vec x, vec threshold) {
  const vec low = choose(x < -threshold, -threshold, x);
  return x - choose(low > threshold, threshold, low);
}
INLINE vec root(vec x, real eps, int inside) {
  if (inside) return square_root(x + eps);
  return square_root(x) + eps;
}

static NOINLINE void sgd_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *velocity = v[2];
  const real *grads = v[GRADS];
  const real lr = c[0], momentum = c[1], decay = c[2], scale = c[3], gain = c[4], ahead = c[6];
  const vec threshold = splat(c[5]);
  const int nesterov = c[7] != 0, sparse = c[5] != 0;
  for (int64_t i = 0; i < n; i += LANES) {
    vec value = load(x + i), g = gradient(load(grads + i), value, scale, decay) * gain;
    if (velocity) {
      const vec moved = load(velocity + i) * momentum + g;
      store(velocity + i, moved);
      if (nesterov) value -= g * lr;
      value -= moved * (nesterov ? ahead : lr);
    } else
      value -= g * lr;
    store(x + i, sparse ? soft_threshold(value, threshold) : value);
  }
}
EXPORT void sgd(real *values, real *grads, real *velocity, int64_t n, double lr, double momentum, int64_t nesterov,
                double weight_decay, double scale, double gain, double threshold) {
  const real c[] = {lr, momentum, weight_decay, scale, gain, threshold, lr * momentum, nesterov};
  UPDATE(sgd_blocks, values, grads, momentum == 0 ? NULL : velocity);
}

/* what Adam's averages of step `count` are multiplied by: to be unbiased, and the root of that of squares */
INLINE double unbiased(double beta, int64_t count) { return 1.0 / (1.0 - pow(beta, (double)count)); }
INLINE double unbiased_root(double beta, int64_t count) { return 1.0 / sqrt(1.0 - pow(beta, (double)count)); }

static NOINLINE void adam_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *mean = v[2], *square = v[3];
  const real *grads = v[GRADS];
  const real rate = c[0], beta1 = c[1], rest1 = c[2], beta2 = c[3], rest2 = c[4], eps = c[5], decay = c[6];
  const real scale = c[7], correction = c[8], shrink = c[9], threshold = c[10];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec m = mix(load(mean + i), g, beta1, rest1), s = mix(load(square + i), g * g, beta2, rest2);
    const vec size = square_root(s) * correction + eps;
    const vec value = before * shrink - m / size * rate;
    store(mean + i, m);
    store(square + i, s);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void adam(real *values, real *grads, real *m, real *v, int64_t n, double lr, double beta1, double beta2,
                 double eps, double weight_decay, int64_t decoupled, int64_t count, double scale,
                 int64_t bias_correction, double l1) {
  const double rate = bias_correction ? lr * unbiased(beta1, count) : lr;
  const double correction = bias_correction ? unbiased_root(beta2, count) : 1.0;
  const real c[] = {rate,         beta1,      1.0 - beta1, beta2, 1.0 - beta2, eps, decoupled ? 0.0 : weight_decay, scale,
                    correction, decoupled ? 1.0 - lr * weight_decay : 1.0, lr * l1};
  UPDATE(adam_blocks, values, grads, m, v);
}

static NOINLINE void amsgrad_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *mean = v[2], *square = v[3], *largest = v[4];
  const real *grads = v[GRADS];
  const real rate = c[0], beta1 = c[1], rest1 = c[2], beta2 = c[3], rest2 = c[4], eps = c[5], decay = c[6];
  const real scale = c[7], correction = c[8], threshold = c[9];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec m = mix(load(mean + i), g, beta1, rest1), s = mix(load(square + i), g * g, beta2, rest2);
    const vec top = larger_or_nan(load(largest + i), s), size = square_root(top) * correction + eps;
    const vec value = before - m / size * rate;
    store(mean + i, m);
    store(square + i, s);
    store(largest + i, top);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void amsgrad(real *values, real *grads, real *m, real *v, real *largest, int64_t n, double lr, double beta1,
                    double beta2, double eps, double decay, int64_t count, double scale, double l1) {
  const real c[] = {lr * unbiased(beta1, count), beta1, 1.0 - beta1, beta2, 1.0 - beta2, eps, decay, scale,
                    unbiased_root(beta2, count), lr * l1};
  UPDATE(amsgrad_blocks, values, grads, m, v, largest);
}

static NOINLINE void adamax_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *mean = v[2], *largest = v[3];
  const real *grads = v[GRADS];
  const real rate = c[0], beta1 = c[1], rest1 = c[2], beta2 = c[3], eps = c[4], decay = c[5], scale = c[6];
  const real threshold = c[7];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec m = mix(load(mean + i), g, beta1, rest1);
    const vec top = larger_or_nan(load(largest + i) * beta2, magnitude(g) + eps);
    const vec value = before - m / top * rate;
    store(mean + i, m);
    store(largest + i, top);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / top) : value);
  }
}
EXPORT void adamax(real *values, real *grads, real *m, real *largest, int64_t n, double lr, double beta1, double beta2,
                   double eps, double decay, int64_t count, double scale, double l1) {
  const real c[] = {lr * unbiased(beta1, count), beta1, 1.0 - beta1, beta2, eps, decay, scale, lr * l1};
  UPDATE(adamax_blocks, values, grads, m, largest);
}

static NOINLINE void radam_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *mean = v[2], *square = v[3];
  const real *grads = v[GRADS];
  const real rate = c[0], beta1 = c[1], rest1 = c[2], beta2 = c[3], rest2 = c[4], eps = c[5], decay = c[6];
  const real scale = c[7], threshold = c[8];
  const int bounded = c[9] != 0;
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec m = mix(load(mean + i), g, beta1, rest1), s = mix(load(square + i), g * g, beta2, rest2);
    vec size = splat(1), step = m * rate;
    if (bounded) {
      size = square_root(s) + eps;
      step = step / size;
    }
    const vec value = before - step;
    store(mean + i, m);
    store(square + i, s);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void radam(real *values, real *grads, real *m, real *v, int64_t n, double lr, double beta1, double beta2,
                  double eps, double decay, int64_t count, double scale, double l1) {
  const double fading = pow(beta2, (double)count), longest = 2.0 / (1.0 - beta2) - 1.0;
  const double length = longest - 2.0 * (double)count * fading / (1.0 - fading);
  const int bounded = length > 5.0;
  double rectified = 1.0;
  if (bounded) {
    const double above = (length - 4.0) * (length - 2.0) * longest;
    rectified = sqrt(above / ((longest - 4.0) * (longest - 2.0) * length)) * sqrt(1.0 - fading);
  }
  const real c[] = {lr * unbiased(beta1, count) * rectified, beta1, 1.0 - beta1, beta2, 1.0 - beta2, eps, decay, scale,
                    lr * l1 * rectified, bounded};
  UPDATE(radam_blocks, values, grads, m, v);
}

static NOINLINE void nadam_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *mean = v[2], *square = v[3];
  const real *grads = v[GRADS];
  const real of_gradient = c[0], of_mean = c[1], beta1 = c[2], rest1 = c[3], beta2 = c[4], rest2 = c[5], eps = c[6];
  const real decay = c[7], scale = c[8], correction = c[9], threshold = c[10];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec m = mix(load(mean + i), g, beta1, rest1), s = mix(load(square + i), g * g, beta2, rest2);
    const vec size = square_root(s) * correction + eps;
    const vec value = before - (g * of_gradient + m * of_mean) / size;
    store(mean + i, m);
    store(square + i, s);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void nadam(real *values, real *grads, real *m, real *v, int64_t n, double lr, double of_gradient,
                  double of_mean, double beta1, double beta2, double eps, double decay, int64_t count, double scale,
                  double l1) {
  const real c[] = {lr * of_gradient, lr * of_mean, beta1, 1.0 - beta1, beta2, 1.0 - beta2, eps, decay, scale,
                    unbiased_root(beta2, count), lr * l1};
  UPDATE(nadam_blocks, values, grads, m, v);
}

static NOINLINE void adagrad_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *total = v[2];
  const real *grads = v[GRADS];
  const real lr = c[0], eps = c[1], decay = c[2], scale = c[3], threshold = c[4];
  const int inside = c[5] != 0;
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec sum = load(total + i) + g * g, size = root(sum, eps, inside), value = before - g / size * lr;
    store(total + i, sum);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void adagrad(real *values, real *grads, real *total, int64_t n, double lr, double eps, int64_t eps_inside_root,
                    double decay, double scale, double l1) {
  const real c[] = {lr, eps, decay, scale, lr * l1, eps_inside_root};
  UPDATE(adagrad_blocks, values, grads, total);
}

static NOINLINE void rmsprop_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *square = v[2], *mean = v[3], *velocity = v[4];
  const real *grads = v[GRADS];
  const real lr = c[0], rho = c[1], rest = c[2], eps = c[3], momentum = c[4], decay = c[5], scale = c[6];
  const real threshold = c[7];
  const int inside = c[8] != 0;
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec s = mix(load(square + i), g * g, rho, rest);
    vec variance = s;
    store(square + i, s);
    if (mean) {
      const vec m = mix(load(mean + i), g, rho, rest);
      store(mean + i, m);
      variance = larger_or_nan(splat(0), s - m * m); /* where rounding has made it negative */
    }
    const vec size = root(variance, eps, inside);
    vec step = g / size;
    if (velocity) {
      step = load(velocity + i) * momentum + step;
      store(velocity + i, step);
    }
    const vec value = before - step * lr;
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void rmsprop(real *values, real *grads, real *square, real *mean, real *velocity, int64_t n, double lr,
                    double rho, double eps, int64_t eps_inside_root, double momentum, double decay, double scale,
                    double l1) {
  const double total_rate = velocity ? lr / (1.0 - momentum) : lr; /* of a gradient, over all steps it enters */
  const real c[] = {lr, rho, 1.0 - rho, eps, momentum, decay, scale, total_rate * l1, eps_inside_root};
  UPDATE(rmsprop_blocks, values, grads, square, mean, velocity);
}

static NOINLINE void rmsprop_lookahead_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *square = v[2], *velocity = v[3];
  const real *grads = v[GRADS];
  const real lr = c[0], rho = c[1], rest = c[2], eps = c[3], momentum = c[4], decay = c[5], scale = c[6];
  const real threshold = c[7];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec s = mix(load(square + i), g * g, rho, rest), size = root(s, eps, 0);
    const vec moved = load(velocity + i) * momentum - g / size * lr, value = before + moved;
    store(square + i, s);
    store(velocity + i, moved);
    store(x + i, threshold != 0 ? soft_threshold(value, threshold / size) : value);
  }
}
EXPORT void rmsprop_lookahead(real *values, real *grads, real *square, real *velocity, int64_t n, double lr,
                              double rho, double eps, double momentum, double decay, double scale, double l1) {
  const real c[] = {lr, rho, 1.0 - rho, eps, momentum, decay, scale, lr * l1 / (1.0 - momentum)};
  UPDATE(rmsprop_lookahead_blocks, values, grads, square, velocity);
}

static NOINLINE void adadelta_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *square = v[2], *moved = v[3];
  const real *grads = v[GRADS];
  const real lr = c[0], rho = c[1], rest = c[2], eps = c[3], decay = c[4], scale = c[5], threshold = c[6];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec before = load(x + i), g = gradient(load(grads + i), before, scale, decay);
    const vec s = mix(load(square + i), g * g, rho, rest), d = load(moved + i);
    const vec own = root(d, eps, 1) / root(s, eps, 1), step = own * g, value = before - step * lr;
    store(square + i, s);
    store(moved + i, mix(d, step * step, rho, rest));
    store(x + i, threshold != 0 ? soft_threshold(value, own * threshold) : value);
  }
}
EXPORT void adadelta(real *values, real *grads, real *square, real *moved, int64_t n, double lr, double rho,
                     double eps, double decay, double scale, double l1) {
  const real c[] = {lr, rho, 1.0 - rho, eps, decay, scale, lr * l1};
  UPDATE(adadelta_blocks, values, grads, square, moved);
}

static NOINLINE void lion_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES], *mean = v[2];
  const real *grads = v[GRADS];
  const real lr = c[0], beta1 = c[1], rest1 = c[2], beta2 = c[3], rest2 = c[4], scale = c[5], shrink = c[6];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec g = load(grads + i) * scale, m = load(mean + i), way = mix(m, g, beta1, rest1);
    const vec sign = choose(way > 0, splat(1), choose(way < 0, splat(-1), way)); /* NaN stays NaN */
    store(mean + i, mix(m, g, beta2, rest2));
    store(x + i, load(x + i) * shrink - sign * lr);
  }
}
EXPORT void lion(real *values, real *grads, real *m, int64_t n, double lr, double beta1, double beta2, double decay,
                 double scale) {
  const real c[] = {lr, beta1, 1.0 - beta1, beta2, 1.0 - beta2, scale, 1.0 - lr * decay};
  UPDATE(lion_blocks, values, grads, m);
}

/* Adam's step with decoupled decay, before any rate; c as both passes have it */
enum { LAMB_CORRECTION, LAMB_ROOT_CORRECTION, LAMB_EPS, LAMB_DECAY, LAMB_NUMBERS };
INLINE vec direction(vec value, vec m, vec s, const real *c) {
  const vec u = m * c[LAMB_CORRECTION] / (square_root(s) * c[LAMB_ROOT_CORRECTION] + c[LAMB_EPS]);
  if (c[LAMB_DECAY] != 0) return u + value * c[LAMB_DECAY];
  return u;
}
INLINE void lamb_numbers(real *c, double beta1, double beta2, double eps, double decay, int64_t count) {
  c[LAMB_CORRECTION] = (real)unbiased(beta1, count);
  c[LAMB_ROOT_CORRECTION] = (real)unbiased_root(beta2, count);
  c[LAMB_EPS] = (real)eps;
  c[LAMB_DECAY] = (real)decay;
}

/* sums of squares of values and of directions; those of entries outside the mask count for nothing */
static NOINLINE void lamb_moments_blocks(real *const *v, int64_t n, const real *c, ivec mask, squares *sums) {
  const real *x = v[VALUES], *grads = v[GRADS];
  real *mean = v[2], *square = v[3];
  const real *own = c + LAMB_NUMBERS;
  for (int64_t i = 0; i < n; i += LANES) {
    const vec value = load(x + i), g = load(grads + i) * own[0];
    const vec m = mix(load(mean + i), g, own[1], own[2]), s = mix(load(square + i), g * g, own[3], own[4]);
    store(mean + i, m);
    store(square + i, s);
    add_square(&sums[0], value);
    add_square(&sums[1], choose(mask, direction(value, m, s, c), splat(0)));
  }
}
EXPORT void lamb_moments(const real *values, const real *grads, real *m, real *v, double *sums, int64_t n,
                         double beta1, double beta2, double eps, double decay, int64_t count, double scale) {
  real c[LAMB_NUMBERS + 5] = {0}, tail[4][LANES] = {{0}};
  real *const whole[] = {(real *)values, (real *)grads, m, v};
  real *const last[] = {tail[0], tail[1], tail[2], tail[3]};
  const int64_t full = n - n % LANES;
  const size_t rest = (size_t)(n - full) * sizeof(real);
  const real own[] = {scale, beta1, 1.0 - beta1, beta2, 1.0 - beta2};
  squares found[2] = {{{{0}}}};
  ivec mask;
  lamb_numbers(c, beta1, beta2, eps, decay, count);
  memcpy(c + LAMB_NUMBERS, own, sizeof own);
  memset(&mask, 255, sizeof mask);
  lamb_moments_blocks(whole, full, c, mask, found);
  if (rest) {
    for (int k = 0; k < 4; k++) memcpy(last[k], whole[k] + full, rest);
    memset(&mask, 0, sizeof mask);
    memset(&mask, 255, rest);
    lamb_moments_blocks(last, LANES, c, mask, found);
    for (int k = 2; k < 4; k++) memcpy(whole[k] + full, last[k], rest);
  }
  for (int k = 0; k < 2; k++) sums[k] = total_squares(&found[k]);
}

static NOINLINE void lamb_blocks(real *const *v, int64_t n, const real *c) {
  real *x = v[VALUES];
  const real *mean = v[2], *square = v[3], lr = c[LAMB_NUMBERS];
  for (int64_t i = 0; i < n; i += LANES) {
    const vec value = load(x + i);
    store(x + i, value - direction(value, load(mean + i), load(square + i), c) * lr);
  }
}
EXPORT void lamb(real *values, real *m, real *v, int64_t n, double lr, double beta1, double beta2, double eps,
                 double decay, int64_t count) {
  real c[LAMB_NUMBERS + 1];
  lamb_numbers(c, beta1, beta2, eps, decay, count);
  c[LAMB_NUMBERS] = (real)lr;
  UPDATE(lamb_blocks, values, NULL, m, v);
}

static NOINLINE void add_scaled_blocks(real *const *v, int64_t n, const real *c) {
  for (int64_t i = 0; i < n; i += LANES) store(v[0] + i, load(v[0] + i) + load(v[1] + i) * c[0]);
}
EXPORT void add_scaled_(real *x, real *y, int64_t n, double a) {
  const real c[] = {a};
  UPDATE(add_scaled_blocks, x, y);
}

static NOINLINE void blend_blocks(real *const *v, int64_t n, const real *c) {
  for (int64_t i = 0; i < n; i += LANES) store(v[0] + i, mix(load(v[0] + i), load(v[1] + i), c[0], c[1]));
}
EXPORT void blend_(real *average, real *values, int64_t n, double keep) {
  const real c[] = {keep, 1.0 - keep};
  if (keep == 0) memcpy(average, values, (size_t)n * sizeof(real)); /* whatever was there, be it NaN */
  else UPDATE(blend_blocks, average, values);
}

EXPORT void clip_value_(real *x, int64_t n, double limit) {
  const vec most = splat((real)limit);
  FOR_BLOCKS(n, {
    vec v = LOAD(x);
    vec low = choose(v < -most, -most, v);
    STORE(x, choose(low > most, most, low));
  });
}

/* the sum of squares of entries cells[2 k] to cells[2 k + 1] - 1, for each k: the order depends on their number alone */
EXPORT void square_norms(const real *x, const int64_t *cells, double *sums, int64_t count) {
  for (int64_t k = 0; k < count; k++) {
    const real *cell = x + cells[2 * k];
    const int64_t n = cells[2 * k + 1] - cells[2 * k], pairs = n - n % (2 * LANES);
    squares even = {{{0}}}, odd = {{{0}}};
    int64_t i = 0;
    for (; i < pairs; i += 2 * LANES) {
      add_square(&even, load(cell + i));
      add_square(&odd, load(cell + i + LANES));
    }
    if (n - i >= LANES) add_square(&even, load(cell + i)), i += LANES;
    if (i < n) add_square(&odd, load_some(cell + i, n - i));
    sums[k] = total_squares(&even) + total_squares(&odd);
  }
}
