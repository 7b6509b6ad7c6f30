/* Elementwise activations: one pass over memory each. Results may lie where an input lies. */
#include "vecmath.h"

/* y = what VALUE says of v, an entry of x; further arguments are numbers */
#define FORWARD(name, VALUE, ...)                                           \
  EXPORT void name(const real *x, real *y, int64_t n, ##__VA_ARGS__) {      \
    FOR_BLOCKS(n, {                                                         \
      const vec v = LOAD(x);                                                \
      STORE(y, VALUE);                                                      \
    });                                                                     \
  }
/* dx = what VALUE says of d, an entry of g, and v, one of x or of the result, whichever the kernel has kept */
#define BACKWARD(name, VALUE, ...)                                                      \
  EXPORT void name(const real *g, const real *x, real *dx, int64_t n, ##__VA_ARGS__) {  \
    FOR_BLOCKS(n, {                                                                     \
      const vec d = LOAD(g);                                                            \
      const vec v = LOAD(x);                                                            \
      STORE(dx, VALUE);                                                                 \
    });                                                                                 \
  }
static const vec zero = {0};

/* max(x, 0); NaN stays NaN, -0 becomes 0 as in NumPy's maximum */
FORWARD(relu, choose(v <= zero, zero, v))
/* g where y is not 0 (NaN is not), else 0 * g, which keeps the sign of zero and NaN of the reference */
BACKWARD(relu_backward, choose(v != zero, d, d * zero))

FORWARD(leaky_relu, choose(v > zero, v, v * (real)slope), double slope)
BACKWARD(leaky_relu_backward, choose(v > zero, d, d * (real)slope), double slope)

FORWARD(sigmoid, vsigmoid(v))
BACKWARD(sigmoid_backward, d * ((1 - v) * v))

INLINE vec silu_slope(vec x) {
  const vec s = vsigmoid(x);
  return s + x * (s * (1 - s));
}
FORWARD(silu, v * vsigmoid(v))
BACKWARD(silu_backward, d * silu_slope(v))

INLINE vec gelu_slope(vec x) {
  const vec bell = vbell(x);
  return bell * DENSITY_AT_0 * x + normal_cdf_of(x, bell);
}
FORWARD(gelu, v * vnormal_cdf(v))
BACKWARD(gelu_backward, d * gelu_slope(v))

/* (1 + tanh(u)) / 2 = sigmoid(2u), with u = sqrt(2 / pi) (x + 0.044715 x^3) */
#define ROOT ((real)0.7978845608028654)
#define CUBIC ((real)0.044715)
INLINE vec gelu_tanh_gate(vec x) { return vsigmoid(x * (x * x * CUBIC + 1) * (2 * ROOT)); }
INLINE vec gelu_tanh_slope(vec x) {
  const vec s = gelu_tanh_gate(x);
  return s + 2 * x * (s * (1 - s)) * (ROOT * (1 + 3 * CUBIC * x * x));
}
FORWARD(gelu_tanh, v * gelu_tanh_gate(v))
BACKWARD(gelu_tanh_backward, d * gelu_tanh_slope(v))

FORWARD(elu, choose(v > zero, v * (real)scale, vexpm1(smaller(zero, v)) * (real)(alpha * scale)), double alpha,
        double scale)
EXPORT void elu_backward(const real *g, const real *x, const real *y, real *dx, int64_t n, double alpha, double scale) {
  FOR_BLOCKS(n, { STORE(dx, LOAD(g) * choose(LOAD(x) > zero, splat((real)scale), LOAD(y) + (real)(alpha * scale))); });
}

/* log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)) */
INLINE vec softplus_of(vec z) { return larger(z, zero) + vlog1p(vexp(-magnitude(z))); }
FORWARD(softplus, softplus_of(v * (real)beta) / (real)beta, double beta)
BACKWARD(softplus_backward, d * vsigmoid(v * (real)beta), double beta)

INLINE vec between(vec x, real low, real high) { return larger(splat(low), smaller(splat(high), x)); } /* NaN stays */
FORWARD(hard_tanh, between(v, (real)low, (real)high), double low, double high)
BACKWARD(hard_tanh_backward, choose((v <= (real)low) | (v >= (real)high), d * zero, d), double low, double high)
FORWARD(hard_sigmoid, between(v / 6 + (real)0.5, 0, 1))
BACKWARD(hard_sigmoid_backward, choose((v <= -3) | (v >= 3), d * zero, d / 6))
