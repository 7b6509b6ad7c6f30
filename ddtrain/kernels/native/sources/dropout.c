/* Dropout, and the counter-based numbers that decide. */
#include "simd.h"

/* Philox 4x64 with 10 rounds: Salmon, Moraes, Dror, Shaw (2011), "Parallel random numbers: as easy as 1, 2, 3" */
typedef unsigned __int128 product;
INLINE void philox(const uint64_t key[2], const uint64_t counter[4], uint64_t numbers[4]) {
  uint64_t a = counter[0], b = counter[1], c = counter[2], d = counter[3], first = key[0], second = key[1];
#pragma GCC unroll 10
  for (int round = 0; round < 10; round++) {
    const product left = (product)a * 0xD2E7470EE14C6C93u, right = (product)c * 0xCA5A826395121157u;
    a = (uint64_t)(right >> 64) ^ b ^ first;
    b = (uint64_t)right;
    c = (uint64_t)(left >> 64) ^ d ^ second;
    d = (uint64_t)left;
    first += 0x9E3779B97F4A7C15u;
    second += 0xBB67AE8584CAA73Bu;
  }
  numbers[0] = a, numbers[1] = b, numbers[2] = c, numbers[3] = d;
}

#define BLOCK 8 /* numbers of 24 bits in what one counter gives, each from the upper ones of 32 */
INLINE void draw(const uint64_t *words, uint64_t block, real y[BLOCK]) {
  uint64_t counter[4] = {words[2] + block, words[3], words[4], words[5]}, numbers[4];
  if (counter[0] < block && !++counter[1] && !++counter[2]) counter[3]++;
  philox(words, counter, numbers);
  for (int i = 0; i < BLOCK; i++) {
    const int32_t upper = (int32_t)((uint32_t)(numbers[i / 2] >> (i % 2 * 32)) >> 8);
    y[i] = (real)upper * (real)0x1p-24;
  }
}

/* y (rows, features), uniform in [0, 1): a row takes whole blocks, of those behind the counter in words[2:6]; the key
   is words[0:2]. NumPy's Philox counts before it draws, and gives the lower half of a word first. */
EXPORT void uniform(const uint64_t *words, real *y, int64_t rows, int64_t features) {
  uint64_t block = 1;
  real some[BLOCK];
  for (int64_t i = 0; i < rows; i++, y += features) {
    int64_t j = 0;
    for (; j + BLOCK <= features; j += BLOCK) draw(words, block++, y + j);
    if (j < features) {
      draw(words, block++, some);
      memcpy(y + j, some, (size_t)(features - j) * sizeof(real));
    }
  }
}

/* kept = 1 / (1 - rate) where the number is not below the rate, else 0; y = x * kept. The rate is rounded to float in
   both dtypes, so that they drop the same entries. */
EXPORT void dropout_forward(const real *restrict x, const float *restrict numbers, real *restrict y,
                            real *restrict kept, int64_t n, double rate) {
  const float threshold = (float)rate;
  const real factor = rate < 1 ? (real)(1 / (1 - rate)) : 0;
  for (int64_t i = 0; i < n; i++) {
    const real k = numbers[i] >= threshold ? factor : 0;
    kept[i] = k;
    y[i] = x[i] * k;
  }
}

EXPORT void dropout_backward(const real *g, const real *kept, real *dx, int64_t n) {
  FOR_BLOCKS(n, { STORE(dx, LOAD(g) * LOAD(kept)); });
}
