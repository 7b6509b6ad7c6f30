/* What C code of the kernels is written in: the compiler's vectors, as wide as the machine's.

   A family is compiled once for float32 and once for float64 (REAL_BYTES). `real` is the number, `vec` a vector of
   LANES of them, `ivec` integers of the same size, which comparisons of vectors give: all bits set where true.
   Vectors are read and written at any address of a `real`. Functions that Python calls take pointers, int64_t and
   double only, and are marked EXPORT. Loops run over blocks of a fixed number of entries, never by the number of
   threads or the address, so that the same shape always gives the same bits. */
#ifndef DDTRAIN_SIMD_H
#define DDTRAIN_SIMD_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#ifndef __has_builtin
#define __has_builtin(name) 0
#endif
#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone))
#endif

#if defined(__AVX512F__)
#define VEC_BYTES 64
#elif defined(__AVX__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16 /* SSE, NEON */
#endif

#if REAL_BYTES == 4
typedef float real;
typedef int32_t integer;
typedef uint32_t bits;
#else
typedef double real;
typedef int64_t integer;
typedef uint64_t bits;
#endif
#define LANES (VEC_BYTES / REAL_BYTES)

typedef real vec __attribute__((vector_size(VEC_BYTES), aligned(REAL_BYTES), may_alias));
typedef integer ivec __attribute__((vector_size(VEC_BYTES), aligned(REAL_BYTES), may_alias));

INLINE vec load(const real *p) { return *(const vec *)p; }
INLINE void store(real *p, vec v) { *(vec *)p = v; }
INLINE vec splat(real x) { return x - (vec){0}; }
INLINE ivec isplat(integer x) { return x - (ivec){0}; }

/* the first n of LANES entries; the others are 0 */
INLINE vec load_some(const real *p, int64_t n) {
  vec v = {0};
  memcpy(&v, p, (size_t)n * sizeof(real));
  return v;
}
INLINE void store_some(real *p, vec v, int64_t n) { memcpy(p, &v, (size_t)n * sizeof(real)); }

/* a where the mask is set, else b; one instruction where gcc makes three */
INLINE vec choose(ivec mask, vec a, vec b) {
#if VEC_BYTES == 32 && REAL_BYTES == 4 && __has_builtin(__builtin_ia32_blendvps256)
  return __builtin_ia32_blendvps256(b, a, (vec)mask);
#elif VEC_BYTES == 32 && REAL_BYTES == 8 && __has_builtin(__builtin_ia32_blendvpd256)
  return __builtin_ia32_blendvpd256(b, a, (vec)mask);
#else
  return (vec)((mask & (ivec)a) | (~mask & (ivec)b));
#endif
}
INLINE vec larger(vec a, vec b) { return choose(a > b, a, b); }  /* b where either is NaN */
INLINE vec smaller(vec a, vec b) { return choose(a < b, a, b); } /* b where either is NaN */
INLINE vec magnitude(vec a) {
  return (vec)((ivec)a & ~(isplat(1) << (REAL_BYTES * 8 - 1)));
}

/* the sum of a vector's entries, by halves, always in the same order */
INLINE real total(vec v) {
  real part[LANES];
  memcpy(part, &v, sizeof part);
  for (int half = LANES / 2; half; half /= 2)
    for (int i = 0; i < half; i++) part[i] += part[i + half];
  return part[0];
}
INLINE real largest(vec v) {
  real top = v[0];
  for (int i = 1; i < LANES; i++) top = v[i] > top ? v[i] : top;
  return top;
}

/* Runs STATEMENT for blocks of LANES of 0 <= i < n. In it LOAD(p) and STORE(p, v) read and write entry i and those
   behind it, and less than LANES of them in the last block. */
#define FOR_BLOCKS(n, STATEMENT)                            \
  do {                                                      \
    int64_t i = 0;                                          \
    const int64_t full_ = (n) - (n) % LANES;                \
    for (; i < full_; i += LANES) {                         \
      enum { some_ = 0 };                                   \
      const int64_t left_ = LANES;                          \
      (void)left_;                                          \
      STATEMENT                                             \
    }                                                       \
    if (i < (n)) {                                          \
      enum { some_ = 1 };                                   \
      const int64_t left_ = (n) - i;                        \
      STATEMENT                                             \
    }                                                       \
  } while (0)
#define LOAD(p) (some_ ? load_some((p) + i, left_) : load((p) + i))
#define STORE(p, v)                                         \
  do {                                                      \
    if (some_) store_some((p) + i, (v), left_);             \
    else store((p) + i, (v));                               \
  } while (0)

/* each entry's square root */
INLINE vec square_root(vec v) {
  real part[LANES];
  memcpy(part, &v, sizeof part);
  for (int i = 0; i < LANES; i++) part[i] = REAL_BYTES == 4 ? (real)__builtin_sqrtf((float)part[i]) : (real)__builtin_sqrt(part[i]);
  memcpy(&v, part, sizeof part);
  return v;
}

/* A sum of squares, in float64 whatever the entries are: no square of a float32 is too large or too small for it. */
typedef double wide __attribute__((vector_size(VEC_BYTES), aligned(8), may_alias));
typedef struct {
  wide part[8 / REAL_BYTES];
} squares;
INLINE void add_square(squares *sum, vec v) {
#if REAL_BYTES == 4
  typedef float half __attribute__((vector_size(VEC_BYTES / 2)));
  half halves[2];
  memcpy(halves, &v, sizeof v);
  for (int k = 0; k < 2; k++) {
    const wide w = __builtin_convertvector(halves[k], wide);
    sum->part[k] += w * w;
  }
#else
  sum->part[0] += v * v;
#endif
}
INLINE double total_squares(const squares *sum) {
  double part[VEC_BYTES / REAL_BYTES], all = 0;
  memcpy(part, sum, sizeof part);
  for (int i = 0; i < VEC_BYTES / REAL_BYTES; i++) all += part[i];
  return all;
}

/* store_some where it counts: by powers of two, with no call */
INLINE void store_part(real *p, vec v, int64_t n) {
  real part[LANES], *from = part;
  memcpy(part, &v, sizeof part);
#pragma GCC unroll 4
  for (int some = LANES / 2; some; some /= 2)
    if (n & some) {
      memcpy(p, from, (size_t)some * sizeof(real));
      p += some, from += some;
    }
}

INLINE void store_lanes(real *p, vec v, int64_t n) {
  if (n == LANES) store(p, v);
  else store_part(p, v, n);
}

/* Keeps a vector that is used several times in a register, where the compiler would read it from memory each time. */
#if defined(__AVX512F__)
#define KEEP(v) __asm__("" : "+v"(v))
#elif defined(__x86_64__)
#define KEEP(v) __asm__("" : "+x"(v))
#elif defined(__aarch64__)
#define KEEP(v) __asm__("" : "+w"(v))
#else
#define KEEP(v) (void)(v)
#endif

#endif
