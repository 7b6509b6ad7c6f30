/* Pooling of channels-last images; see kernels/pool.py. Padding is never read: windows end at the edges.

   Every result is written once. Forward goes over windows; backward over the entries of the images, each of which
   gathers from the windows that hold it, by their position in the window, as the reference adds them up. */
#include "simd.h"

typedef int64_t size;

#define GEOMETRY                                                                                                  \
  size n, size height, size width, size channels, size p, size q, size kh, size kw, size down, size across, size top, \
      size left
#define TILES (kh == down && kw == across && p * kh == height && q * kw == width && !top && !left)

typedef struct {
  size first, end;
} range;

/* positions within a window that are inside an axis of `length`, when the window begins at `at`; perhaps none */
INLINE range inside(size at, size window, size length) {
  const range r = {at < 0 ? -at : 0, at + window > length ? length - at : window};
  return r.end < r.first ? (range){0, 0} : r;
}

/* windows along an axis that hold entry `at`, in the order of its position within them: from the last one down to, but
   without, `end` */
INLINE range holding(size at, size pad, size window, size stride, size windows) {
  const size last = (at + pad) / stride, before = at + pad - window;
  const range r = {last < windows - 1 ? last : windows - 1, before < 0 ? -1 : before / stride};
  return r.first < r.end ? (range){0, 0} : r;
}

INLINE vec load_left(const real *p, size left) { return left == LANES ? load(p) : load_some(p, left); }
INLINE ivec load_places(const integer *p, size left) { return (ivec)load_left((const real *)p, left); }
INLINE void store_left(real *p, vec v, size left) {
  if (left == LANES) store(p, v);
  else store_some(p, v, left);
}

/* Runs CALL for blocks of channels from c on, of some vectors with some entries each: constants but at the end. */
#define FOR_CHANNELS(channels, CALL)                                                  \
  {                                                                                   \
    size c = 0;                                                                       \
    for (; c + 4 * LANES <= (channels); c += 4 * LANES) CALL(4, LANES);               \
    if (c + 2 * LANES <= (channels)) { CALL(2, LANES); c += 2 * LANES; }              \
    if (c + LANES <= (channels)) { CALL(1, LANES); c += LANES; }                      \
    if (c < (channels)) CALL(1, (channels) - c);                                      \
  }

/* the commonest window, unrolled by the compiler */
#define TWO ((range){0, 2})
INLINE int is_2x2(range rs, range cs, size kw) {
  return kw == 2 && rs.first == 0 && rs.end == 2 && cs.first == 0 && cs.end == 2;
}

/* The largest entry of a window and its place; among equals the first, of several NaN the last. */
INLINE void largest_of(const real *x, real *y, integer *places, size row, size channels, range rs, range cs, size kw,
                       const int vectors, size left) {
  vec best[4];
  ivec place[4];
  for (int v = 0; v < vectors; v++) best[v] = splat(-(real)INFINITY), place[v] = isplat(0);
  for (size r = rs.first; r < rs.end; r++)
    for (size c = cs.first; c < cs.end; c++) {
      const real *p = x + r * row + c * channels;
      const ivec number = isplat((integer)(r * kw + c));
      for (int v = 0; v < vectors; v++) {
        const vec here = load_left(p + v * LANES, left);
        const ivec wins = (here > best[v]) | (here != here);
        best[v] = choose(wins, here, best[v]);
        place[v] = (ivec)choose(wins, (vec)number, (vec)place[v]);
      }
    }
  for (int v = 0; v < vectors; v++) {
    store_left(y + v * LANES, best[v], left);
    store_left((real *)places + v * LANES, (vec)place[v], left);
  }
}

EXPORT void pool_max(const real *x, real *y, integer *places, GEOMETRY) {
  for (size image = 0; image < n; image++, x += height * width * channels)
    for (size a = 0; a < p; a++)
      for (size b = 0; b < q; b++, y += channels, places += channels) {
        const size h = a * down - top, w = b * across - left;
        const range rs = inside(h, kh, height), cs = inside(w, kw, width);
        const real *window = x + (h * width + w) * channels;
#define BLOCK(vectors, some) \
  largest_of(window + c, y + c, places + c, width *channels, channels, rs, cs, kw, vectors, some)
#define BLOCK_2X2(vectors, some) \
  largest_of(window + c, y + c, places + c, width *channels, channels, TWO, TWO, 2, vectors, some)
        if (is_2x2(rs, cs, kw))
          FOR_CHANNELS(channels, BLOCK_2X2)
        else
          FOR_CHANNELS(channels, BLOCK)
#undef BLOCK
#undef BLOCK_2X2
      }
}

/* An entry's share of the cotangents of the windows that it has won. 0 * NaN is NaN here, as in the reference. */
INLINE void won_by(const real *g, const integer *places, real *dx, size row, size channels, range as, range bs,
                   size place, size down, size across, size kw, const int vectors, size left) {
  vec sum[4];
  const vec zero = {0};
  for (int v = 0; v < vectors; v++) sum[v] = zero;
  for (size a = as.first; a != as.end; a--)
    for (size b = bs.first; b != bs.end; b--) {
      const size at = a * row + b * channels;
      const ivec number = isplat((integer)(place - a * down * kw - b * across));
      for (int v = 0; v < vectors; v++) {
        const vec here = load_left(g + at + v * LANES, left);
        sum[v] += choose(load_places(places + at + v * LANES, left) == number, here, here * zero);
      }
    }
  for (int v = 0; v < vectors; v++) store_left(dx + v * LANES, sum[v], left);
}

/* Windows that lie side by side and cover the images: each cotangent goes to the winner, zeros to the others. */
INLINE void to_winner(const real *g, const integer *places, real *dx, size row, size channels, size kh, size kw,
                      const int vectors, size left) {
  const vec zero = {0};
  for (int v = 0; v < vectors; v++) {
    const vec here = load_left(g + v * LANES, left), nothing = here * zero;
    const ivec place = load_places(places + v * LANES, left);
    for (size r = 0; r < kh; r++)
      for (size c = 0; c < kw; c++)
        store_left(dx + r * row + c * channels + v * LANES,
                   choose(place == isplat((integer)(r * kw + c)), here, nothing), left);
  }
}

EXPORT void pool_max_backward(const real *g, const integer *places, real *dx, GEOMETRY) {
  const size row = width * channels;
  if (TILES) {
    for (size a = 0; a < n * p; a++, dx += kh * row)
      for (size b = 0; b < q; b++, g += channels, places += channels) {
#define BLOCK(vectors, some) \
  to_winner(g + c, places + c, dx + b * kw * channels + c, row, channels, kh, kw, vectors, some)
#define BLOCK_2X2(vectors, some) \
  to_winner(g + c, places + c, dx + b * 2 * channels + c, row, channels, 2, 2, vectors, some)
        if (kh == 2 && kw == 2)
          FOR_CHANNELS(channels, BLOCK_2X2)
        else
          FOR_CHANNELS(channels, BLOCK)
#undef BLOCK
#undef BLOCK_2X2
      }
    return;
  }
  for (size image = 0; image < n; image++, g += p * q * channels, places += p * q * channels)
    for (size h = 0; h < height; h++) {
      const range as = holding(h, top, kh, down, p);
      for (size w = 0; w < width; w++, dx += channels) {
        const range bs = holding(w, left, kw, across, q);
        const size place = (h + top) * kw + w + left;
#define BLOCK(vectors, some) \
  won_by(g + c, places + c, dx + c, q *channels, channels, as, bs, place, down, across, kw, vectors, some)
        FOR_CHANNELS(channels, BLOCK)
#undef BLOCK
      }
    }
}

/* Windows that lie side by side and cover the images: each cotangent goes to all entries alike. */
INLINE void to_all(const real *g, real *dx, size row, size channels, size kh, size kw, real share, const int vectors,
                   size left) {
  for (int v = 0; v < vectors; v++) {
    const vec here = load_left(g + v * LANES, left) * share;
    for (size r = 0; r < kh; r++)
      for (size c = 0; c < kw; c++) store_left(dx + r * row + c * channels + v * LANES, here, left);
  }
}

/* A sum over rows and columns of entries, times a factor; from the last to the first where step is -1. */
INLINE void sum_of(const real *x, real *y, size row, size channels, range rs, range cs, real factor, const size step,
                   const int vectors, size left) {
  vec sum[4];
  for (int v = 0; v < vectors; v++) sum[v] = splat(0);
  for (size r = rs.first; r != rs.end; r += step)
    for (size c = cs.first; c != cs.end; c += step)
      for (int v = 0; v < vectors; v++) sum[v] += load_left(x + r * row + c * channels + v * LANES, left);
  for (int v = 0; v < vectors; v++) store_left(y + v * LANES, sum[v] * factor, left);
}

EXPORT void pool_average(const real *x, real *y, GEOMETRY) {
  const real share = (real)(1.0 / (double)(kh * kw));
  for (size image = 0; image < n; image++, x += height * width * channels)
    for (size a = 0; a < p; a++)
      for (size b = 0; b < q; b++, y += channels) {
        const size h = a * down - top, w = b * across - left;
        const range rs = inside(h, kh, height), cs = inside(w, kw, width);
        const real *window = x + (h * width + w) * channels;
#define BLOCK(vectors, some) sum_of(window + c, y + c, width *channels, channels, rs, cs, share, 1, vectors, some)
#define BLOCK_2X2(vectors, some) sum_of(window + c, y + c, width *channels, channels, TWO, TWO, share, 1, vectors, some)
        if (is_2x2(rs, cs, kw))
          FOR_CHANNELS(channels, BLOCK_2X2)
        else
          FOR_CHANNELS(channels, BLOCK)
#undef BLOCK
#undef BLOCK_2X2
      }
}

EXPORT void pool_average_backward(const real *g, real *dx, GEOMETRY) {
  const real share = (real)(1.0 / (double)(kh * kw));
  if (TILES) {
    for (size a = 0; a < n * p; a++, dx += kh * width * channels)
      for (size b = 0; b < q; b++, g += channels) {
#define BLOCK(vectors, some) \
  to_all(g + c, dx + b * kw * channels + c, width *channels, channels, kh, kw, share, vectors, some)
        FOR_CHANNELS(channels, BLOCK)
#undef BLOCK
      }
    return;
  }
  for (size image = 0; image < n; image++, g += p * q * channels)
    for (size h = 0; h < height; h++) {
      const range as = holding(h, top, kh, down, p);
      for (size w = 0; w < width; w++, dx += channels) {
        const range bs = holding(w, left, kw, across, q);
#define BLOCK(vectors, some) sum_of(g + c, dx + c, q *channels, channels, as, bs, share, -1, vectors, some)
        FOR_CHANNELS(channels, BLOCK)
#undef BLOCK
      }
    }
}
