/* Scaled dot-product attention, a block of queries at a time, so that scores stay in cache and no T x S matrix is
   ever whole. What a causal query does not see is not computed. Backward computes the softmax again, from the
   log-sum-exp of each row. */
#include "small_products.h"
#include "vecmath.h"

#define BLOCK 64 /* queries */
#define KEYS 128 /* keys of a block of the way back */

typedef struct {
  int64_t sample, head, row; /* entries from one to the next */
} strides;

/* As the Python side fills it: sizes, then where arrays lie. */
typedef struct {
  int64_t samples, heads, queries, keys, width, value_width, causal;
  strides q, k, v, y, g, dq, dk, dv;
  int64_t mask_sample, mask_head, mask_row, mask_key;
} layout;

INLINE int64_t at(strides s, int64_t sample, int64_t head) { return sample * s.sample + head * s.head; }
/* Where rows of a result may be written in whole vectors: in place, or aside, to be copied by finish. */
typedef struct {
  real *p;
  int64_t row;
} writable;
static writable begin(real *x, int64_t row, int64_t n, int64_t width, real **room) {
  if (width % LANES == 0) return (writable){x, row};
  return (writable){take(room, n * whole(width, LANES)), whole(width, LANES)};
}
static void clear(writable w, int64_t n, int64_t width) {
  for (int64_t i = 0; i < n; i++) memset(w.p + i * w.row, 0, (size_t)whole(width, LANES) * sizeof(real));
}
static void finish(writable w, real *x, int64_t row, int64_t n, int64_t width) {
  if (w.p != x)
    for (int64_t i = 0; i < n; i++) memcpy(x + i * row, w.p + i * w.row, (size_t)width * sizeof(real));
}

/* to (rows, keys) = a (rows, width) times panels of keys, first to last; a tile is left out where no query sees it */
static void scores(real *to, int64_t ld, matrix a, const real *panels, int64_t rows, int64_t width, int64_t first,
                   int64_t last, int64_t ahead, int causal) {
  for (int64_t j = first; j < last; j += PANEL) {
    const int64_t sees = causal ? most(0, j - ahead) / TILE_ROWS * TILE_ROWS : 0; /* the first query that does */
    for (int64_t i = sees; i < rows; i += TILE_ROWS)
      product_tile(least(TILE_ROWS, rows - i), 2, 0, to + i * ld + j - first, ld, (matrix){a.p + i * a.row, a.row, 1},
                   panels + j * width, PANEL, width);
  }
}

/* y (rows, width) = or += p (rows, keys) times v (keys, width), row i up to its first `ahead + i + 1` keys if causal */
static void mixed(writable y, const real *p, int64_t ld, matrix v, int64_t rows, int64_t width, int64_t keys,
                  int64_t ahead, int causal, int add) {
  for (int64_t e = 0; e < width; e += PANEL)
    for (int64_t i = 0; i < rows; i += TILE_ROWS) {
      const int64_t n = least(TILE_ROWS, rows - i), sees = causal ? most(0, least(keys, ahead + i + n)) : keys;
      product_tile(n, least(2, vectors_of(width - e)), add, y.p + i * y.row + e, y.row, (matrix){p + i * ld, ld, 1},
                   v.p + e, v.row, sees);
    }
}

/* to (keys, width) += p' (keys, rows) times x (rows, width), from the first row that sees a key */
static void returned(writable to, const real *p, int64_t ld, matrix x, int64_t rows, int64_t width, int64_t keys,
                     int64_t ahead, int causal) {
  for (int64_t e = 0; e < width; e += PANEL)
    for (int64_t j = 0; j < keys; j += TILE_ROWS) {
      const int64_t first = causal ? least(rows, most(0, j - ahead)) : 0;
      product_tile(least(TILE_ROWS, keys - j), least(2, vectors_of(width - e)), 1, to.p + j * to.row + e, to.row,
                   (matrix){p + first * ld + j, 1, ld}, x.p + first * x.row + e, x.row, rows - first);
    }
}

/* the mask of a query */
INLINE const uint8_t *mask_at(const uint8_t *mask, const layout *z, int64_t sample, int64_t head, int64_t query) {
  return mask + sample * z->mask_sample + head * z->mask_head + query * z->mask_row;
}
/* s[j] of keys 0 <= j < sees that the mask hides becomes `hidden` */
static void hide(real *s, const uint8_t *mask, int64_t step, int64_t sees, real hidden) {
  for (int64_t j = 0; j < sees; j++) s[j] = mask[j * step] ? s[j] : hidden;
}
/* whether it hides any key */
static int hides(const uint8_t *mask, int64_t step, int64_t keys) {
  for (int64_t j = 0; j < keys; j++)
    if (!mask[j * step]) return 1;
  return 0;
}

/* e^x where x is no larger than a few, as scores less the largest are; 0 where it would be subnormal. Half the work of
   vexp, which is exact to the last place. */
#define SMALLEST (REAL_BYTES == 4 ? (real)-87 : (real)-708)
INLINE vec weight(vec x) {
  const vec held = choose(x < SMALLEST, splat(SMALLEST), x), shifted = held * LOG2_E + ROUNDER;
  const vec n = shifted - ROUNDER, r = (held - n * LN2_HI) - n * LN2_LO;
  const vec y = r * r * SERIES(r, EXP_SERIES) + r + 1;
  return choose(x < SMALLEST, splat(0), y * power_of_2((ivec)shifted - ROUNDER_BITS));
}

/* lanes below n */
INLINE ivec below(int64_t n) {
  ivec lane;
  for (int i = 0; i < LANES; i++) lane[i] = i;
  return lane < isplat((integer)least(n, LANES));
}
/* to[i] = the largest, or the sum, of the entries of rows[i]; their places go by LANES rows at a time */
INLINE void fold(real *to, vec *rows, int64_t n, const int add) {
  for (int64_t i = 0; i < n; i += LANES) {
    transpose_block(rows + i);
    vec all = rows[i];
    for (int k = 1; k < LANES; k++)
      if (add) all += rows[i + k];
      else all = larger(rows[i + k], all);
    store(to + i, all);
  }
}

/* Rows are taken a few at a time, so that their chains of operations run side by side. In it, BODY(mask) does what is
   to be done with entries j and on of row r, all of them seen (mask 0) or those that `keep` has. */
#define GROUP 4
#define IN_GROUPS(n, ROWS_STATEMENT)                      \
  do {                                                    \
    int64_t i = 0;                                        \
    for (; i + GROUP <= (n); i += GROUP) {                \
      enum { group = GROUP };                             \
      ROWS_STATEMENT                                      \
    }                                                     \
    for (; i < (n); i++) {                                \
      enum { group = 1 };                                 \
      ROWS_STATEMENT                                      \
    }                                                     \
  } while (0)

/* the largest of what each of a few rows sees, in any entry of top[r] */
INLINE void tops_of(const int rows, const real *s, int64_t ld, const int64_t *sees, vec *top) {
  const int64_t full = sees[0] - sees[0] % LANES, end = whole(sees[rows - 1], LANES);
  for (int r = 0; r < rows; r++) top[r] = splat(-__builtin_inf());
  int64_t j = 0;
  for (; j < full; j += LANES)
    for (int r = 0; r < rows; r++) top[r] = larger(load(s + r * ld + j), top[r]);
  for (; j < end; j += LANES)
    for (int r = 0; r < rows; r++)
      top[r] = larger(choose(below(sees[r] - j), load(s + r * ld + j), splat(-__builtin_inf())), top[r]);
}

/* e^(s - shift) in place, 0 from what a row sees to `width`; their sums */
INLINE void exponentials(const int rows, real *s, int64_t ld, const int64_t *sees, int64_t width,
                         const real *shift, vec *sum) {
  const int64_t full = sees[0] - sees[0] % LANES, end = whole(sees[rows - 1], LANES);
  for (int r = 0; r < rows; r++) sum[r] = splat(0);
  int64_t j = 0;
  for (; j < full; j += LANES)
    for (int r = 0; r < rows; r++) {
      const vec e = weight(load(s + r * ld + j) - shift[r]);
      sum[r] += e;
      store(s + r * ld + j, e);
    }
  for (; j < end; j += LANES)
    for (int r = 0; r < rows; r++) {
      const vec e = choose(below(sees[r] - j), weight(load(s + r * ld + j) - shift[r]), splat(0));
      sum[r] += e;
      store(s + r * ld + j, e);
    }
  for (; j < width; j += LANES)
    for (int r = 0; r < rows; r++) store(s + r * ld + j, splat(0));
}

/* p = e^(s - log_sum) and ds = scale p (dp - mean), where s is in p and dp in ds; 0 from what a row sees on */
INLINE void slopes(const int rows, real *p, real *ds, int64_t ld, const int64_t *sees, int64_t width, real scale,
                   const real *log_sum, const real *mean) {
  const int64_t full = sees[0] - sees[0] % LANES, end = whole(sees[rows - 1], LANES);
  int64_t j = 0;
  for (; j < full; j += LANES)
    for (int r = 0; r < rows; r++) {
      const vec e = weight(load(p + r * ld + j) - log_sum[r]);
      store(p + r * ld + j, e);
      store(ds + r * ld + j, e * (load(ds + r * ld + j) - mean[r]) * scale);
    }
  for (; j < end; j += LANES)
    for (int r = 0; r < rows; r++) {
      const ivec keep = below(sees[r] - j);
      const vec e = weight(load(p + r * ld + j) - log_sum[r]);
      store(p + r * ld + j, choose(keep, e, splat(0)));
      store(ds + r * ld + j, choose(keep, e * (load(ds + r * ld + j) - mean[r]) * scale, splat(0)));
    }
  for (; j < width; j += LANES)
    for (int r = 0; r < rows; r++) {
      store(p + r * ld + j, splat(0));
      store(ds + r * ld + j, splat(0));
    }
}

EXPORT void forward(const real *q_, const real *k_, const real *v_, const uint8_t *mask_, real *y_, real *log_sums,
                    const int64_t *layout_, real *room) {
  const layout *z = (const layout *)layout_;
  const int64_t t = z->queries, s = z->keys, d = z->width, e = z->value_width, ahead = s - t;
  const int64_t ld = whole(s, PANEL);
  const real scale = (real)(1.0 / sqrt((double)d));
  real *panels = take(&room, d * ld), *p = take(&room, BLOCK * ld), sums[BLOCK], shift[BLOCK];
  vec parts[BLOCK] = {{0}};
  int64_t sees[BLOCK];
  for (int64_t n = 0; n < z->samples; n++)
    for (int64_t h = 0; h < z->heads; h++) {
      real *rest = room;
      const matrix k = readable(k_ + at(z->k, n, h), z->k.row, s, d, &rest);
      const matrix v = readable(v_ + at(z->v, n, h), z->v.row, s, e, &rest);
      transpose_into_panels(panels, k.p, k.row, s, d, scale);
      for (int64_t first = 0; first < t; first += BLOCK) {
        real *left = rest, *y_at = y_ + at(z->y, n, h) + first * z->y.row;
        real *log_sum = log_sums + (n * z->heads + h) * t + first;
        const int64_t rows = least(BLOCK, t - first), sooner = ahead + first;
        const int64_t keys = z->causal ? least(s, sooner + rows) : s;
        const matrix q = {q_ + at(z->q, n, h) + first * z->q.row, z->q.row, 1};
        const writable y = begin(y_at, z->y.row, rows, e, &left);
        scores(p, ld, q, panels, rows, d, 0, keys, sooner, (int)z->causal);
        const uint8_t *mask = mask_ ? mask_at(mask_, z, n, h, first) : NULL;
        for (int64_t i = 0; i < rows; i++) {
          sees[i] = z->causal ? least(s, sooner + i + 1) : s;
          if (mask_) hide(p + i * ld, mask + i * z->mask_row, z->mask_key, sees[i], -__builtin_inf());
        }
        IN_GROUPS(rows, tops_of(group, p + i * ld, ld, sees + i, parts + i););
        fold(shift, parts, rows, 0);
        for (int64_t i = 0; i < rows; i++) {
          const int none = mask_ && shift[i] == -__builtin_inf() && hides(mask + i * z->mask_row, z->mask_key, s);
          if (none) shift[i] = 0;
        }
        IN_GROUPS(rows, exponentials(group, p + i * ld, ld, sees + i, whole(keys, PANEL), shift + i, parts + i););
        fold(sums, parts, rows, 1);
        FOR_BLOCKS(rows, {
          vec sum = LOAD(sums);
          ivec none = sum == splat(0);
          STORE(log_sum, choose(none, splat(0), LOAD(shift) + vlog(sum)));
          STORE(sums, 1 / choose(none, splat(1), sum));
        });
        mixed(y, p, ld, v, rows, e, keys, sooner, (int)z->causal, 0);
        for (int64_t i = 0; i < rows; i++) {
          for (int64_t j = 0; j < e; j += LANES) store(y.p + i * y.row + j, load(y.p + i * y.row + j) * sums[i]);
        }
        finish(y, y_at, z->y.row, rows, e);
      }
    }
}

/* mean[i] = sum of g(i, e) y(i, e): of what scores() makes of g and the value, weighted by the softmax. It is worked out
   as scores() does, tile by tile, with the same roundings: where one key has all the weight, the difference is 0. */
static void means(real *mean, matrix g, matrix y, real *room, int64_t rows, int64_t width) {
  real *tiles = take(&room, TILE_ROWS * PANEL);
  transpose_into_panels(room, y.p, y.row, rows, width, 1);
  for (int64_t i = 0; i < rows; i += TILE_ROWS) {
    const int64_t n = least(TILE_ROWS, rows - i);
    for (int64_t j = i / PANEL * PANEL; j < i + n; j += PANEL) {
      product_tile(n, 2, 0, tiles, PANEL, (matrix){g.p + i * g.row, g.row, 1}, room + j * width, PANEL, width);
      for (int64_t r = most(i, j); r < least(i + n, j + PANEL); r++) mean[r] = tiles[(r - i) * PANEL + r - j];
    }
  }
}

EXPORT void backward(const real *g_, const real *y_, const real *log_sums, const real *q_, const real *k_,
                     const real *v_, const uint8_t *mask_, real *dq_, real *dk_, real *dv_, const int64_t *layout_,
                     real *room) {
  const layout *z = (const layout *)layout_;
  const int64_t t = z->queries, s = z->keys, d = z->width, e = z->value_width, ahead = s - t;
  const int causal = (int)z->causal;
  const real scale = (real)(1.0 / sqrt((double)d));
  real *k_panels = take(&room, d * whole(s, PANEL)), *v_panels = take(&room, e * whole(s, PANEL));
  real *p = take(&room, BLOCK * KEYS), *ds = take(&room, BLOCK * KEYS), mean[BLOCK];
  int64_t sees[BLOCK];
  for (int64_t n = 0; n < z->samples; n++)
    for (int64_t h = 0; h < z->heads; h++) {
      real *rest = room, *dk_at = dk_ + at(z->dk, n, h), *dv_at = dv_ + at(z->dv, n, h);
      const matrix k = readable(k_ + at(z->k, n, h), z->k.row, s, d, &rest);
      const matrix v = readable(v_ + at(z->v, n, h), z->v.row, s, e, &rest);
      const writable dk = begin(dk_at, z->dk.row, s, d, &rest), dv = begin(dv_at, z->dv.row, s, e, &rest);
      transpose_into_panels(k_panels, k.p, k.row, s, d, scale);
      transpose_into_panels(v_panels, v.p, v.row, s, e, 1);
      clear(dk, s, d);
      clear(dv, s, e);
      for (int64_t first = 0; first < t; first += BLOCK) {
        real *left = rest, *dq_at = dq_ + at(z->dq, n, h) + first * z->dq.row;
        const int64_t rows = least(BLOCK, t - first), sooner = ahead + first;
        const int64_t keys = causal ? least(s, sooner + rows) : s;
        const real *y_at = y_ + at(z->y, n, h) + first * z->y.row, *g_at = g_ + at(z->g, n, h) + first * z->g.row;
        const matrix q = readable(q_ + at(z->q, n, h) + first * z->q.row, z->q.row, rows, d, &left);
        const matrix g = readable(g_at, z->g.row, rows, e, &left);
        const writable dq = begin(dq_at, z->dq.row, rows, d, &left);
        clear(dq, rows, d);
        const matrix y = readable(y_at, z->y.row, rows, e, &left);
        means(mean, g, y, left, rows, e);
        for (int64_t from = 0; from < keys; from += KEYS) {
          const int64_t some = least(KEYS, keys - from), width = whole(some, PANEL), lead = sooner - from;
          scores(p, KEYS, q, k_panels, rows, d, from, from + some, sooner, causal);
          scores(ds, KEYS, g, v_panels, rows, e, from, from + some, sooner, causal);
          for (int64_t i = 0; i < rows; i++) sees[i] = causal ? most(0, least(some, lead + i + 1)) : some;
          const real *log_sum = log_sums + (n * z->heads + h) * t + first;
          IN_GROUPS(rows, slopes(group, p + i * KEYS, ds + i * KEYS, KEYS, sees + i, width, scale, log_sum + i, mean + i););
          for (int64_t i = 0; mask_ && i < rows; i++) {
            const uint8_t *mask = mask_at(mask_, z, n, h, first + i);
            hide(p + i * KEYS, mask + from * z->mask_key, z->mask_key, sees[i], 0);
            hide(ds + i * KEYS, mask + from * z->mask_key, z->mask_key, sees[i], 0);
          }
          const writable dk_some = {dk.p + from * dk.row, dk.row}, dv_some = {dv.p + from * dv.row, dv.row};
          const matrix k_some = {k.p + from * k.row, k.row, 1};
          returned(dv_some, p, KEYS, g, rows, e, some, lead, causal);
          returned(dk_some, ds, KEYS, q, rows, d, some, lead, causal);
          mixed(dq, ds, KEYS, k_some, rows, d, some, lead, causal, 1);
        }
        finish(dq, dq_at, z->dq.row, rows, d);
      }
      finish(dk, dk_at, z->dk.row, s, d);
      finish(dv, dv_at, z->dv.row, s, e);
    }
}
