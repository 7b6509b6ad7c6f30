/* Functions of vectors: exponentials, logarithms, and what is made of them. No branches, no tables.

   Each brings its argument into a short interval, evaluates a polynomial there, and puts the result together. The
   polynomials minimise the largest relative error, by Remez's exchange in 50 digits, to less than 0.25 ulp. Largest
   errors in ulp over all arguments, subnormal results included, measured with fused multiply-adds and without:

     vexp 1.0 | vexpm1 1.9 | vlog, vlog1p 0.9 | vtanh 1.5 | vsigmoid 1.9 | verf 1.8 | vbell 1.5
     vnormal_cdf 2 for x > -0.65, and 7 in the tail on the left, where it is small

   tests/kernels/native/test_vecmath.py holds them to it. NaN gives NaN, infinity the limit; results that are too large
   are infinite, and too small ones subnormal, then 0.

   The reductions are those of Cody and Waite (1980), "Software manual for the elementary functions"; the logarithm's is
   W. Kahan's, as FreeBSD's msun tells it. */
#ifndef DDTRAIN_VECMATH_H
#define DDTRAIN_VECMATH_H
#include "simd.h"

typedef bits uvec __attribute__((vector_size(VEC_BYTES), aligned(REAL_BYTES), may_alias));

#if REAL_BYTES == 4
#define MANTISSA 23
#define BIAS 127
#define ROUNDER 12582912.0f /* 1.5 * 2^23: x + ROUNDER has the nearest integer in its lowest bits */
#define LN2_HI 0.693359375f /* exact when multiplied by an exponent */
#define LN2_LO -2.12194440e-4f
#define EXP_LOWEST -104.0f /* exp is 0 below, */
#define EXP_HIGHEST 89.0f  /* and infinite above */
#define EXPM1_LOWEST -30.0f
#define TANH_HIGHEST 10.0f
#define ERF_HIGHEST 5.0f
#define TAIL_HIGHEST 15.0f
#define SQRT_HALF_BITS 0x3f3504f3
#define SMALLEST_NORMAL 0x1p-126f
#define HIGH_HALF (~(integer)0xfff)
static const real EXP_SERIES[] = {0.5f, 0.166665435f, 0.0416662805f, 0.00836658385f, 0.00139464601f};
static const real LOG_SERIES[] = {0.666667759f, 0.399775177f, 0.298725694f};
static const real TANH_SERIES[] = {-0.333333194f, 0.133326024f, -0.0538539663f, 0.0210781563f, -0.00628298055f};
static const real ERF_SERIES[] = {0.128379166f,   -0.376126021f,   0.112831131f,
                                  -0.0268208068f, 0.00508513069f, -0.000653523777f};
static const real TAIL_ABOVE[] = {0.5f, 0.438579232f, 0.183419168f, 0.0406874977f, 0.00412203325f};
static const real TAIL_BELOW[] = {1.0f, 1.67504334f, 1.20332539f, 0.469949394f, 0.101994671f, 0.0103322901f};
#else
#define MANTISSA 52
#define BIAS 1023
#define ROUNDER 6755399441055744.0 /* 1.5 * 2^52 */
#define LN2_HI 6.93147180369123816490e-01
#define LN2_LO 1.90821492927058770002e-10
#define EXP_LOWEST -746.0
#define EXP_HIGHEST 710.0
#define EXPM1_LOWEST -60.0
#define TANH_HIGHEST 20.0
#define ERF_HIGHEST 7.0
#define TAIL_HIGHEST 40.0
#define SQRT_HALF_BITS 0x3fe6a09e667f3bcd
#define SMALLEST_NORMAL 0x1p-1022
#define HIGH_HALF (~(integer)0x7ffffff)
static const real EXP_SERIES[] = {0.5000000000000006,     0.16666666666666685,    0.041666666666573614,
                                  0.008333333333314607,   0.001388888893238117,   0.00019841269902994723,
                                  2.4801504443605013e-05, 2.755722798701698e-06,  2.762632734061007e-07,
                                  2.5114462210477808e-08};
static const real LOG_SERIES[] = {0.6666666666666734,  0.39999999999415586, 0.2857142874241223, 0.22222198553120598,
                                  0.18183566109679977, 0.1531398875886108,  0.14796710399289145};
static const real TANH_SERIES[] = {-0.33333333333332366,   0.1333333333317501,    -0.05396825387886235,
                                   0.021869486035738704,   -0.008863195263550108, 0.0035917254357982023,
                                   -0.0014532435323954022, 0.0005792124224159756, -0.00021041988241222485,
                                   5.1099231993783925e-05};
static const real ERF_SERIES[] = {0.12837916709551256,   -0.3761263890318362,     0.11283791670946897,
                                  -0.026866170643139977, 0.00522397760067123,     -0.0008548325221403043,
                                  0.0001205525102161287, -1.492324729265341e-05,  1.6416583857061807e-06,
                                  -1.5824206388319298e-07, 1.1068243909736806e-08};
static const real TAIL_ABOVE[] = {0.5,
                                  0.8283792799761897,
                                  0.6803133039281551,
                                  0.357884749687294,
                                  0.1323090739261766,
                                  0.03575653601720589,
                                  0.007144310800480477,
                                  0.0010434202025866475,
                                  0.0001070159544825461,
                                  7.009531364477358e-06,
                                  2.2542592741238317e-07};
static const real TAIL_BELOW[] = {1.0,
                                  2.454643120755245,
                                  2.819148456187877,
                                  2.003764487068231,
                                  0.9816572835849289,
                                  0.3490269423033238,
                                  0.09220867046796537,
                                  0.018175250545947833,
                                  0.002633036871828323,
                                  0.0002688142763430957,
                                  1.7570289510139406e-05,
                                  5.650590034866778e-07};
#endif
#define ROUNDER_BITS ((integer)(BIAS + MANTISSA) << MANTISSA | (integer)1 << (MANTISSA - 1))
#define LOG2_E ((real)1.442695040888963407359924681001892137427)
#define SQRT_HALF ((real)0.7071067811865475244008443621048490392848)
#define DENSITY_AT_0 ((real)0.3989422804014326779399460599343818684759) /* 1 / sqrt(2 pi) */

/* c[0] + c[1] x + ...; even and odd powers apart, so that two chains run side by side */
#define TERMS(c) (sizeof(c) / sizeof(real))
#define SERIES(x, c) series((x), (c), TERMS(c))
INLINE vec series(vec x, const real *c, int terms) {
  const vec square = x * x;
  vec even = splat(c[(terms - 1) & ~1]), odd = splat(c[terms - 1 - (terms & 1)]);
#pragma GCC unroll 32
  for (int i = ((terms - 1) & ~1) - 2; i >= 0; i -= 2) even = even * square + c[i];
#pragma GCC unroll 32
  for (int i = terms - 1 - (terms & 1) - 2; i >= 1; i -= 2) odd = odd * square + c[i];
  return even + x * odd;
}

INLINE vec with_sign_of(vec magnitude_, vec sign) {
  return (vec)((ivec)magnitude_ | ((ivec)sign & (isplat(1) << (REAL_BYTES * 8 - 1))));
}
INLINE vec power_of_2(ivec n) { return (vec)((n + BIAS) << MANTISSA); } /* of normal numbers */

/* exp(x + low) - 1 = 2^n (result + 1) - 1, where x + low = n ln 2 + r with |r| <= ln(2) / 2 or little more */
INLINE vec expm1_reduced(vec x, vec low, ivec *n) {
  const vec shifted = x * LOG2_E + ROUNDER, whole = shifted - ROUNDER;
  *n = (ivec)shifted - ROUNDER_BITS;
  const vec high = x - whole * LN2_HI, less = whole * LN2_LO - low;
  const vec r = high - less, lost = (high - r) - less;
  return r + (r * r * SERIES(r, EXP_SERIES) + lost);
}

INLINE vec exp_of_sum(vec x, vec low) {
  ivec n;
  x = larger(splat(EXP_LOWEST), smaller(splat(EXP_HIGHEST), x));
  const vec y = expm1_reduced(x, low, &n) + 1;
  const ivec half = (ivec)((uvec)(n + 4096) >> 1) - 2048; /* 2^n in two steps: the result may be subnormal */
  return y * power_of_2(half) * power_of_2(n - half);
}
INLINE vec vexp(vec x) { return exp_of_sum(x, (vec){0}); }

INLINE vec vexpm1(vec x) {
  ivec n;
  x = larger(splat(EXPM1_LOWEST), smaller(splat(EXP_HIGHEST), x));
  const vec q = expm1_reduced(x, (vec){0}, &n);
  const vec scale = power_of_2(n - 1); /* half of it: 2^n itself may be too large */
  const vec half = scale * q + (scale - (real)0.5);
  return half + half;
}

/* log(x) + c / x, where c is less than an ulp of x; 2^shift is what x was multiplied by */
INLINE vec log_with_rest(vec x, vec c, vec shift) {
  const integer one = (integer)BIAS << MANTISSA, mask = ((integer)1 << MANTISSA) - 1;
  const ivec moved = (ivec)x + (one - (integer)SQRT_HALF_BITS);
  const ivec exponent = (ivec)((uvec)moved >> MANTISSA) - BIAS;
  const vec m = (vec)((moved & mask) + (integer)SQRT_HALF_BITS); /* in [sqrt(1/2), sqrt(2)] */
  const vec k = ((vec)(exponent + ROUNDER_BITS) - ROUNDER) - shift;
  const vec f = m - 1, s = f / (f + 2), z = s * s, half_square = f * f * (real)0.5;
  const vec rest = s * (half_square + z * SERIES(z, LOG_SERIES)) + (k * LN2_LO + c / x);
  const vec y = k * LN2_HI - ((half_square - rest) - f);
  const vec zero = {0}, endless = splat(__builtin_inf());
  const vec odd = choose(x == zero, -endless, choose(x > zero, x, splat(__builtin_nan(""))));
  return choose((x > zero) & (x < endless), y, odd);
}
INLINE vec vlog(vec x) {
  const vec zero = {0};
  const ivec subnormal = magnitude(x) < SMALLEST_NORMAL;
  const vec scale = splat((real)((int64_t)1 << MANTISSA));
  return log_with_rest(choose(subnormal, x * scale, x), zero, choose(subnormal, splat(MANTISSA), zero));
}
INLINE vec vlog1p(vec x) {
  const vec u = x + 1;
  const vec lost = choose(x > 1, (vec){0} + 1 - (u - x), x - (u - 1)); /* of x, when 1 was added */
  return choose(u < splat(__builtin_inf()), log_with_rest(u, lost, (vec){0}), x);
}

INLINE vec vtanh(vec x) {
  ivec n;
  const vec a = magnitude(x), z = a * a;
  const vec near_0 = a + a * z * SERIES(z, TANH_SERIES);
  const vec e = (expm1_reduced(2 * smaller(splat(TANH_HIGHEST), a), (vec){0}, &n) + 1) * power_of_2(n);
  return with_sign_of(choose(a < (real)0.55, near_0, 1 - 2 / (e + 1)), x);
}

INLINE vec vsigmoid(vec x) {
  const vec e = vexp(-magnitude(x)), sum = e + 1, lost = e - (sum - 1);
  const vec y = choose(x >= 0, splat(1), e) / sum;
  return y - y * lost;
}

/* (1 - Phi(a)) exp(a^2/2) for a >= 0, Phi being the normal distribution function: half of erfc, scaled */
INLINE vec scaled_tail(vec a) { return SERIES(a, TAIL_ABOVE) / SERIES(a, TAIL_BELOW); } /* all terms are positive */
INLINE vec erf_near_0(vec x) { return x + x * SERIES(x * x, ERF_SERIES); }              /* |x| < 0.8 */

/* exp(-x^2/2), the square taken in two parts: rounded, it would be off by x^2/4 ulp */
INLINE vec vbell(vec x) {
  const vec a = smaller(splat(TAIL_HIGHEST), magnitude(x));
  const vec high = (vec)((ivec)a & HIGH_HALF);
  return exp_of_sum(high * high * (real)-0.5, (a - high) * (a + high) * (real)-0.5);
}
/* Phi(x), given vbell(x) */
INLINE vec normal_cdf_of(vec x, vec bell) {
  const vec a = magnitude(x), near_0 = (real)0.5 + (real)0.5 * erf_near_0(x * SQRT_HALF);
  const vec tail = bell * scaled_tail(smaller(splat(TAIL_HIGHEST), a));
  return choose(a < (real)0.65, near_0, choose(x > 0, 1 - tail, tail));
}
INLINE vec vnormal_cdf(vec x) { return normal_cdf_of(x, vbell(x)); }

INLINE vec verf(vec x) {
  const vec a = smaller(splat(ERF_HIGHEST), magnitude(x));
  const vec far = 1 - 2 * (vexp(-a * a) * scaled_tail(a * (2 * SQRT_HALF)));
  return with_sign_of(choose(a < (real)0.8, erf_near_0(a), far), x);
}
#endif
