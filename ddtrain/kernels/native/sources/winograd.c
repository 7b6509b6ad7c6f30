/* 3 x 3 and 5 x 5 convolution by Winograd's F(2 x 2, 3 x 3): 16 products for 4 outputs of a channel instead of 36.

   Each tile of inputs and the kernel are taken to points, where convolving is multiplying: a matrix product over the
   channels for each point. Four numbers taken back from them are the outputs (Lavin and Gray, arXiv:1509.09308). All
   steps are linear, so that the weight's gradient is their transposes in reverse. Five entries of a kernel are pieces of
   three and two, which share the points, and so are added up by the products: 49 for 4 outputs instead of 100, of sums
   as short as those for 3 x 3, where points for all five would be far from 0 and lose digits. What is lost is about one
   bit: sums are formed before they are multiplied. */
#include "conv_plan.h"

enum { POINTS = 16, STRIP_BYTES = 24 << 10, LEAST_TILES = 64 };

/* In one dimension; a tile takes them by columns, then by rows. */
INLINE void input_points(const vec *d, vec *p) {
  p[0] = d[0] - d[2], p[1] = d[1] + d[2], p[2] = d[2] - d[1], p[3] = d[1] - d[3];
}
INLINE void kernel_points(const vec *w, vec *p) {
  const vec even = (w[0] + w[2]) * splat((real)0.5), odd = w[1] * splat((real)0.5);
  p[0] = w[0], p[1] = even + odd, p[2] = even - odd, p[3] = w[2];
}
INLINE void outputs(const vec *p, vec *y) { y[0] = p[0] + p[1] + p[2], y[1] = p[1] - p[2] - p[3]; }
/* transposes of the last two */
INLINE void kernel_points_back(const vec *p, vec *w) {
  const vec even = (p[1] + p[2]) * splat((real)0.5);
  w[0] = p[0] + even, w[1] = (p[1] - p[2]) * splat((real)0.5), w[2] = even + p[3];
}
INLINE void outputs_back(const vec *y, vec *p) { p[0] = y[0], p[1] = y[0] + y[1], p[2] = y[0] - y[1], p[3] = -y[1]; }

/* of five: those of the first three, then those of the last two, which have no third point */
INLINE void input_points_5(const vec *d, vec *p) {
  input_points(d, p);
  p[4] = d[3] - d[4], p[5] = d[4], p[6] = d[4] - d[5];
}
INLINE void kernel_points_5(const vec *w, vec *p) {
  kernel_points(w, p);
  p[4] = w[3], p[5] = w[3] + w[4], p[6] = w[4];
}
INLINE void kernel_points_5_back(const vec *p, vec *w) {
  kernel_points_back(p, w);
  w[3] = p[4] + p[5], w[4] = p[5] + p[6];
}
/* Numbers i < 4 or i < 7 of one dimension: at which point, and how many pieces there are at a point. */
INLINE int point_of(int i) { return i < 4 ? i : i == 6 ? 3 : i - 4; }
INLINE int pieces_at(int64_t taps, int point) { return taps == 3 || point == 2 ? 1 : 2; }
/* Numbers (i, j): which of the 16 points, and which of its pieces. */
INLINE int64_t point_at(int i, int j) { return point_of(i) * 4 + point_of(j); }
INLINE int64_t piece_at(int64_t taps, int i, int j) { return (i >= 4) * pieces_at(taps, point_of(j)) + (j >= 4); }
INLINE int64_t pieces(int64_t taps, int64_t point) {
  return pieces_at(taps, (int)(point / 4)) * pieces_at(taps, (int)(point % 4));
}

/* READ(i, j), a n_in x n_in square, through `step` to WRITE(i, j, value), n_out x n_out */
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)
#define SQUARE(step, n_in, n_out, READ, WRITE)        \
  do {                                                \
    vec half_[n_out][n_in], in_[n_in], out_[n_out];   \
    EACH(j_, n_in) {                                  \
      EACH(i_, n_in) in_[i_] = READ(i_, j_);          \
      step(in_, out_);                                \
      EACH(i_, n_out) half_[i_][j_] = out_[i_];       \
    }                                                 \
    EACH(i_, n_out) {                                 \
      step(half_[i_], out_);                          \
      EACH(j_, n_out) WRITE(i_, j_, out_[j_]);        \
    }                                                 \
  } while (0)

/* Strips of tiles, `tiles` of them at most, of `taps` x `taps` convolutions; `terms`: pieces times channels, of a point.
   For a point lie in `in` each tile's pieces, each of c_in channels; in `weight` as many rows of c_out channels. Numbers of channels are rounded up to whole vectors (c_in, c_out): what is
   in the lanes behind the last channel is computed with and never given back. Each point's tiles begin `in_size` and
   `out_size` apart, a cache line more than they take: else all points would meet in one set of the cache. */
typedef struct {
  plan images;
  int64_t taps, tiles, most_terms, c_in, c_out, in_pitch, in_size, out_size;
  place *tile_rows, *in_terms, *out_rows; /* distances: of tiles in_pitch apart, of terms, of rows c_out apart */
  real *in, *out, *weight;
} strips;

static int64_t whole(int64_t channels) { return (channels + LANES - 1) / LANES * LANES; }
static axis tile_axis(int64_t size, int64_t before, int64_t taps) {
  return (axis){.count = (size + 1) / 2, .every = 2, .from = -before, .step = 2, .taps = taps + 1, .tap = 1};
}

static void lay_out_strips(strips *s, space *work, int64_t n, int64_t height, int64_t width, int64_t channels,
                           int64_t p, int64_t q, int64_t k, int64_t taps, int64_t top, int64_t left) {
  plan *o = &s->images;
  *o = (plan){.n = n, .height = height, .width = width, .c_in = channels, .height_out = p, .width_out = q, .c_out = k,
              .groups = 1, .group_in = channels, .group_out = k, .n_passes = 1, .copied = channels % LANES != 0};
  o->row_axes[0] = tile_axis(p, top, taps);
  o->column_axes[0] = tile_axis(q, left, taps);
  o->passes[0] = (pass){.rows = o->row_axes, .columns = o->column_axes};
  lay_out(o, STRIP_BYTES, LEAST_TILES, work, 1, 1);
  s->tiles = o->images * o->rows * o->column_axes[0].count;
  s->taps = taps, s->c_in = whole(channels), s->c_out = whole(k);
  s->most_terms = pieces(taps, 0) * channels, s->in_pitch = pieces(taps, 0) * s->c_in;
  s->in_size = s->tiles * s->in_pitch + 64 / REAL_BYTES;
  s->out_size = s->tiles * s->c_out + 64 / REAL_BYTES;
  s->in = take(work, POINTS * s->in_size * REAL_BYTES);
  s->out = take(work, POINTS * s->out_size * REAL_BYTES);
  s->weight = take(work, POINTS * s->most_terms * s->c_out * REAL_BYTES);
  s->tile_rows = take(work, s->tiles * (int64_t)sizeof(place));
  s->out_rows = take(work, most(s->tiles, s->most_terms) * (int64_t)sizeof(place));
  s->in_terms = take(work, s->most_terms * (int64_t)sizeof(place));
  if (!work->memory) return;
  fill_tables(o);
  for (int64_t t = 0; t < s->tiles; t++) s->tile_rows[t] = (place)(t * s->in_pitch);
  for (int64_t t = 0; t < most(s->tiles, s->most_terms); t++) s->out_rows[t] = (place)(t * s->c_out);
  for (int64_t u = 0; u < s->most_terms; u++) s->in_terms[u] = (place)(u / channels * s->c_in + u % channels);
}

static void take_inputs(const strips *s, const real *x, int64_t tiles) {
  const int64_t pitch = s->images.pitch, channels = s->images.c_in;
  const place *positions = s->images.passes[0].positions;
  for (int64_t t = 0; t < tiles; t++)
    for (int64_t c = 0; c < channels; c += LANES) {
      const real *from = x + positions[t] + c;
      real *to = s->in + s->tile_rows[t] + c;
#define READ(i, j) load(from + (i) * pitch + (j) * channels)
#define WRITE(i, j, value) store(to + point_at(i, j) * s->in_size, value)
#define WRITE_5(i, j, value) store(to + point_at(i, j) * s->in_size + piece_at(5, i, j) * s->c_in, value)
      if (s->taps == 3) SQUARE(input_points, 4, 4, READ, WRITE);
      else SQUARE(input_points_5, 6, 7, READ, WRITE_5);
#undef READ
#undef WRITE
#undef WRITE_5
    }
}

/* The points of w (taps, taps, channels, k), a matrix (terms, c_out) each, by block of columns. */
static void take_kernel(const strips *s, const real *w) {
  const int64_t channels = s->images.c_in, k = s->images.c_out, size = s->most_terms * s->c_out;
  for (int64_t first = 0, width; first < s->c_out; first += width) {
    width = block_width((s->c_out - first) / LANES) * LANES;
    for (int64_t c = 0; c < channels; c++)
      for (int64_t column = first; column < first + width; column += LANES) {
        const int64_t there = least(LANES, k - column);
        const real *from = w + c * k + column;
        real *to = s->weight + c * width + column - first;
#define READ(i, j) load_some(from + ((i) * s->taps + (j)) * channels * k, there)
#define WRITE(i, j, value) store(to + point_at(i, j) * size + first * channels, value)
#define WRITE_5(i, j, value) \
  store(to + point_at(i, j) * size + (pieces(5, point_at(i, j)) * first + piece_at(5, i, j) * width) * channels, value)
        if (s->taps == 3) SQUARE(kernel_points, 3, 4, READ, WRITE);
        else SQUARE(kernel_points_5, 5, 7, READ, WRITE_5);
#undef READ
#undef WRITE
#undef WRITE_5
      }
  }
}

/* Whether tile t of a strip that begins at `row` has a second row and a second column of outputs. */
static void second(const plan *o, int64_t t, int64_t row, int *high, int *wide) {
  const int64_t columns = o->column_axes[0].count;
  *high = 2 * (row + t / columns % o->rows) + 1 < o->height_out;
  *wide = 2 * (t % columns) + 1 < o->width_out;
}

static void give_outputs(const strips *s, const real *b, real *y, int64_t tiles, int64_t row) {
  const plan *o = &s->images;
  const int64_t k = o->c_out, size = s->out_size;
  for (int64_t t = 0; t < tiles; t++) {
    int high, wide;
    second(o, t, row, &high, &wide);
    for (int64_t c = 0; c < k; c += LANES) {
      const int64_t there = least(LANES, k - c);
      const real *from = s->out + t * s->c_out + c;
      real *to = y + o->passes[0].places[t] + c;
      const vec bias = b ? load(b + c) : (vec){0};
#define READ(i, j) load(from + ((i) * 4 + (j)) * size)
#define WRITE(i, j, value) \
  if (((i) == 0 || high) && ((j) == 0 || wide)) store_lanes(to + ((i) * o->width_out + (j)) * k, (value) + bias, there)
      SQUARE(outputs, 4, 2, READ, WRITE);
#undef READ
#undef WRITE
    }
  }
}

static void convolve(strips *s, const real *x, const real *w, const real *b, real *y, real *bias) {
  static const real zeros[MOST_VECTORS * LANES];
  const plan *o = &s->images;
  if (b) memcpy(bias, b, (size_t)o->c_out * REAL_BYTES);
  take_kernel(s, w);
  for (int64_t image = 0; image < o->n; image += o->images)
    for (int64_t row = 0; row < o->row_axes[0].count; row += o->rows) {
      const int64_t images = least(o->images, o->n - image);
      const int64_t tiles = images * least(o->rows, o->row_axes[0].count - row) * o->column_axes[0].count;
      take_inputs(s, window(o, x, image, images, row), tiles);
      for (int64_t point = 0; point < POINTS; point++)
        for (int64_t first = 0, width; first < s->c_out; first += width) {
          const int64_t terms = pieces(s->taps, point) * o->c_in;
          width = block_width((s->c_out - first) / LANES) * LANES;
          product((int)(width / LANES), 0, s->in + point * s->in_size, s->tile_rows, tiles, s->in_terms, terms,
                  s->weight + point * s->most_terms * s->c_out + first * terms, width, zeros,
                  s->out + point * s->out_size + first, s->out_rows, LANES);
        }
      give_outputs(s, b ? bias : NULL, y + (image * o->height_out + 2 * row) * o->width_out * o->c_out, tiles, row);
    }
}

static void forward(const real *x, const real *w, const real *b, real *y, space *work, SHAPE) {
  strips s;
  lay_out_strips(&s, work, n, height, width, channels, p, q, k, kh, top, left);
  real *bias = take(work, s.c_out * REAL_BYTES);
  if (work->memory) convolve(&s, x, w, b, y, bias);
}

static void backward_input(const real *g, const real *w, const real *b, real *dx, space *work, SHAPE) {
  strips s;
  lay_out_strips(&s, work, n, p, q, k, height, width, channels, kh, kh - 1 - top, kw - 1 - left);
  real *bias = take(work, s.c_out * REAL_BYTES), *turned = take(work, kh * kw * channels * k * REAL_BYTES);
  if (!work->memory) return;
  for (int64_t tap = 0; tap < kh * kw; tap++)
    for (int64_t i = 0; i < k; i++)
      for (int64_t c = 0; c < channels; c++)
        turned[(tap * k + i) * channels + c] = w[((kh * kw - 1 - tap) * channels + c) * k + i];
  convolve(&s, g, turned, b, dx, bias);
}

/* The points of the outputs' cotangents, a matrix (tiles, c_out) each, by block of columns; zeros beyond the image. */
static void take_cotangents(const strips *s, const real *g, int64_t tiles, int64_t row) {
  const plan *o = &s->images;
  const int64_t k = o->c_out;
  for (int64_t first = 0, width; first < s->c_out; first += width) {
    width = block_width((s->c_out - first) / LANES) * LANES;
    for (int64_t t = 0; t < tiles; t++) {
      int high, wide;
      second(o, t, row, &high, &wide);
      for (int64_t column = first; column < first + width; column += LANES) {
        const int64_t there = least(LANES, k - column);
        const real *from = g + o->passes[0].places[t] + column;
        real *to = s->out + first * tiles + t * width + column - first;
#define READ(i, j)                                                                                 \
  (((i) == 1 && !high) || ((j) == 1 && !wide) ? (vec){0}                                           \
   : there == LANES                           ? load(from + ((i) * o->width_out + (j)) * k)        \
                                              : load_some(from + ((i) * o->width_out + (j)) * k, there))
#define WRITE(i, j, value) store(to + ((i) * 4 + (j)) * s->out_size, value)
        SQUARE(outputs_back, 2, 4, READ, WRITE);
#undef READ
#undef WRITE
      }
    }
  }
}

static void give_kernel(const strips *s, real *dw) {
  const int64_t channels = s->images.c_in, k = s->images.c_out, size = s->most_terms * s->c_out;
  for (int64_t c = 0; c < channels; c++)
    for (int64_t column = 0; column < k; column += LANES) {
      const int64_t there = least(LANES, k - column);
      const real *from = s->weight + c * s->c_out + column;
      real *to = dw + c * k + column;
#define READ(i, j) load(from + point_at(i, j) * size)
#define READ_5(i, j) load(from + point_at(i, j) * size + piece_at(5, i, j) * channels * s->c_out)
#define WRITE(i, j, value) store_lanes(to + ((i) * s->taps + (j)) * channels * k, value, there)
      if (s->taps == 3) SQUARE(kernel_points_back, 4, 3, READ, WRITE);
      else SQUARE(kernel_points_5_back, 7, 5, READ_5, WRITE);
#undef READ
#undef READ_5
#undef WRITE
    }
}

static void backward_weight(const real *x, const real *g, real *dw, space *work, SHAPE) {
  strips s;
  lay_out_strips(&s, work, n, height, width, channels, p, q, k, kh, top, left);
  if (!work->memory) return;
  const plan *o = &s.images;
  memset(s.weight, 0, (size_t)(POINTS * s.most_terms * s.c_out) * REAL_BYTES);
  for (int64_t image = 0; image < n; image += o->images)
    for (int64_t row = 0; row < o->row_axes[0].count; row += o->rows) {
      const int64_t images = least(o->images, n - image);
      const int64_t tiles = images * least(o->rows, o->row_axes[0].count - row) * o->column_axes[0].count;
      take_inputs(&s, window(o, x, image, images, row), tiles);
      take_cotangents(&s, g + (image * p + 2 * row) * q * k, tiles, row);
      for (int64_t point = 0; point < POINTS; point++)
        for (int64_t first = 0, columns; first < s.c_out; first += columns) {
          columns = block_width((s.c_out - first) / LANES) * LANES;
          product((int)(columns / LANES), 0, s.in + point * s.in_size, s.in_terms, pieces(kh, point) * channels,
                  s.tile_rows, tiles, s.out + point * s.out_size + first * tiles, columns, NULL,
                  s.weight + point * s.most_terms * s.c_out + first, s.out_rows, LANES);
        }
    }
  give_kernel(&s, dw);
}

EXPORT void winograd_forward(const real *x, const real *w, const real *b, real *y, void *work, SHAPE) {
  forward(x, w, b, y, &(space){work, 0}, SHAPE_VALUES);
}
EXPORT void winograd_backward_input(const real *g, const real *w, const real *b, real *dx, void *work, SHAPE) {
  backward_input(g, w, b, dx, &(space){work, 0}, SHAPE_VALUES);
}
EXPORT void winograd_backward_weight(const real *x, const real *g, real *dw, void *work, SHAPE) {
  backward_weight(x, g, dw, &(space){work, 0}, SHAPE_VALUES);
}
/* Bytes of work space that the three need. */
EXPORT void winograd_work(int64_t *bytes, SHAPE) {
  space work[3] = {{0}};
  forward(NULL, NULL, NULL, NULL, work, SHAPE_VALUES);
  backward_input(NULL, NULL, NULL, NULL, work + 1, SHAPE_VALUES);
  backward_weight(NULL, NULL, NULL, work + 2, SHAPE_VALUES);
  for (int i = 0; i < 3; i++) bytes[i] = work[i].used;
}
