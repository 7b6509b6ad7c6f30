/* Convolution of channels-last images, and its gradients, as sums of products in which no window is unfolded.

     forward          y[m][k]  = sum over u of x[position[m] + term[u]] * w[u][k]
     weight gradient  dw[u][k] = sum over m of x[term[u] + position[m]] * g[m][k]

   m counts outputs and u the entries of a window: the same sum with the two tables exchanged. The input gradient is
   forward once more, over g and the kernel turned round; with a stride it takes a pass for each grid of `down` rows by
   `across` columns, which see the same entries of the kernel. Stride, padding, dilation and groups are all in the
   tables (`conv_plan.h`). Sums run over the terms in order; those of the weight gradient within a strip, then over the
   strips: always the same for the same shape. */
#include "conv_plan.h"

enum {
  LEAST_OUTPUTS = 128, /* of a strip: with fewer, loading weights takes time */
  STRIP_BYTES = 64 << 10,
  GRADIENT_STRIP_BYTES = 24 << 10, /* read again for every few entries of the weight: it stays in L1 */
  MANY_TERMS = 64,                 /* so many read the cotangents so often that putting them together pays */
};

/* One block of columns of one group: `width` vectors from vector `first` on. */
typedef struct {
  int64_t group, first;
  int width;
  int64_t last;        /* columns of the last vector */
  int64_t in, out, at; /* its channels in and out, and its first column among packed ones */
} columns;
static columns next_columns(const plan *s, columns c) {
  c.first += c.width;
  if (c.first == s->vectors) c.group++, c.first = 0;
  c.width = s->diagonal ? (int)least(2, s->vectors - c.first) : block_width(s->vectors - c.first);
  c.last = c.first + c.width < s->vectors ? LANES : s->group_out - (s->vectors - 1) * LANES;
  c.in = s->diagonal ? c.first * LANES : c.group * s->group_in;
  c.out = c.group * s->group_out + c.first * LANES;
  c.at = (c.group * s->vectors + c.first) * LANES;
  return c;
}
static columns first_columns(const plan *s) {
  return next_columns(s, (columns){.group = -1, .first = s->vectors});
}
#define FOR_COLUMNS(s, c) for (columns c = first_columns(s); c.group < (s)->groups; c = next_columns(s, c))

/* The weights of a pass by block of columns and term, in the order in which they are read, zeros behind the last
   column. Entry (tap, i, j) of a group lies at tap * tap_size + i * by_term + j * by_column. */
static void pack_weight(const plan *s, const pass *one, const real *w, int64_t kw, int64_t tap_size, int64_t by_group,
                        int64_t by_term, int64_t by_column) {
  real *to = one->weight;
  FOR_COLUMNS(s, c) {
    const int64_t there = (c.width - 1) * LANES + c.last;
    for (int64_t r = 0; r < one->rows->taps; r++)
      for (int64_t t = 0; t < one->columns->taps; t++) {
        const int64_t row = one->rows->weight + r * one->rows->weight_step;
        const int64_t column = one->columns->weight + t * one->columns->weight_step;
        const real *from = w + (row * kw + column) * tap_size + c.group * by_group + c.first * LANES * by_column;
        for (int64_t i = 0; i < (s->diagonal ? 1 : s->group_in); i++, to += c.width * LANES) {
          for (int64_t j = 0; j < there; j++) to[j] = from[i * by_term + j * by_column];
          for (int64_t j = there; j < c.width * LANES; j++) to[j] = 0;
        }
      }
  }
}

static void convolve(const plan *s, const real *x, const real *bias, real *y) {
  int64_t row_count = 0;
  for (int64_t i = 0; i < s->n_passes; i++) row_count = most(row_count, s->passes[i].rows->count);
  for (int64_t image = 0; image < s->n; image += s->images)
    for (int64_t row = 0; row < row_count; row += s->rows) {
      const int64_t images = least(s->images, s->n - image);
      const real *seen = window(s, x, image, images, row);
      for (const pass *one = s->passes; one < s->passes + s->n_passes; one++) {
        const int64_t count = images * least(s->rows, one->rows->count - row) * one->columns->count;
        real *out = y + (image * s->height_out + row * one->rows->every) * s->width_out * s->c_out;
        if (count <= 0) continue;
        FOR_COLUMNS(s, c)
          product(c.width, s->diagonal, seen + c.in, one->positions, count, one->terms, one->n_terms,
                  one->weight + c.at * one->n_terms, c.width * LANES, bias + c.at, out + c.out, one->places, c.last);
      }
    }
}

/* The passes of a plan: work space beyond the plan's, and the work, unless the space is only measured. */
static void run(plan *s, const real *x, const real *w, const real *b, real *y, space *work, int backward, int64_t kw,
                int64_t k) {
  const int64_t padded = s->groups * s->vectors * LANES, cg = backward ? s->group_out : s->group_in;
  real *bias = take(work, padded * REAL_BYTES);
  for (int64_t i = 0; i < s->n_passes; i++)
    s->passes[i].weight = take(work, s->passes[i].n_terms * padded * REAL_BYTES);
  if (!work->memory) return;
  fill_tables(s);
  memset(bias, 0, (size_t)padded * REAL_BYTES);
  for (int64_t g = 0; b && g < s->groups; g++)
    memcpy(bias + g * s->vectors * LANES, b + g * s->group_out, (size_t)s->group_out * REAL_BYTES);
  for (int64_t i = 0; i < s->n_passes; i++)
    if (s->diagonal) pack_weight(s, s->passes + i, w, kw, k, 0, 0, 1);
    else if (backward) pack_weight(s, s->passes + i, w, kw, cg * k, s->group_in, 1, k);
    else pack_weight(s, s->passes + i, w, kw, cg * k, s->group_out, k, 1);
  convolve(s, x, bias, y);
}

static void forward(const real *x, const real *w, const real *b, real *y, space *work, SHAPE) {
  plan s;
  forward_plan(&s, SHAPE_VALUES);
  lay_out(&s, STRIP_BYTES, LEAST_OUTPUTS, work, 1, 1);
  run(&s, x, w, b, y, work, 0, kw, k);
}

static void backward_input(const real *g, const real *w, const real *b, real *dx, space *work, SHAPE) {
  plan s;
  backward_plan(&s, SHAPE_VALUES);
  lay_out(&s, STRIP_BYTES, LEAST_OUTPUTS, work, down, across);
  run(&s, g, w, b, dx, work, 1, kw, k);
}

/* Some columns of rows that are `pitch` apart, put together, with zeros behind the last. */
static void gather(const real *from, int64_t count, int64_t pitch, int64_t vectors, int64_t last, real *to) {
  ivec there = {0};
  for (int64_t i = 0; i < last; i++) there[i] = -1;
  for (int64_t m = 0; m < count; m++, from += pitch, to += vectors * LANES) {
    const real *end = from + (vectors - 1) * LANES;
    for (int64_t v = 0; v < vectors - 1; v++) store(to + v * LANES, load(from + v * LANES));
    const int more = (count - 1 - m) * pitch >= LANES; /* else a whole vector may be more than there is */
    const vec final = more ? (vec)((ivec)load(end) & there) : load_some(end, last);
    store(to + (vectors - 1) * LANES, final);
  }
}

static void backward_weight(const real *x, const real *g, real *dw, space *work, SHAPE) {
  plan s;
  forward_plan(&s, SHAPE_VALUES);
  lay_out(&s, GRADIENT_STRIP_BYTES, LEAST_OUTPUTS, work, 1, 1);
  const pass *one = s.passes;
  place *places = take(work, one->n_terms * (int64_t)sizeof(place));
  real *packed = take(work, s.images * s.rows * q * MOST_VECTORS * (int64_t)sizeof(vec));
  if (!work->memory) return;
  fill_tables(&s);
  for (int64_t u = 0; u < one->n_terms; u++) places[u] = (place)(u * k);
  memset(dw, 0, (size_t)(one->n_terms * k) * REAL_BYTES);
  for (int64_t image = 0; image < n; image += s.images)
    for (int64_t row = 0; row < p; row += s.rows) {
      const int64_t images = least(s.images, n - image), count = images * least(s.rows, p - row) * q;
      const real *seen = window(&s, x, image, images, row), *cotangent = g + (image * p + row) * q * k;
      FOR_COLUMNS(&s, c) {
        const real *b = cotangent + c.out;
        int64_t pitch = k;
        if (c.last < LANES || one->n_terms > MANY_TERMS) {
          gather(b, count, k, c.width, c.last, packed);
          b = packed, pitch = c.width * LANES;
        }
        product(c.width, s.diagonal, seen + c.in, one->terms, one->n_terms, one->positions, count, b, pitch, NULL,
                dw + c.out, places, c.last);
      }
    }
}

EXPORT void conv_forward(const real *x, const real *w, const real *b, real *y, void *work, SHAPE) {
  forward(x, w, b, y, &(space){work, 0}, SHAPE_VALUES);
}
EXPORT void conv_backward_input(const real *g, const real *w, const real *b, real *dx, void *work, SHAPE) {
  backward_input(g, w, b, dx, &(space){work, 0}, SHAPE_VALUES);
}
EXPORT void conv_backward_weight(const real *x, const real *g, real *dw, void *work, SHAPE) {
  backward_weight(x, g, dw, &(space){work, 0}, SHAPE_VALUES);
}
/* Bytes of work space that the three need. */
EXPORT void conv_work(int64_t *bytes, SHAPE) {
  space work[3] = {{0}};
  forward(NULL, NULL, NULL, NULL, work, SHAPE_VALUES);
  backward_input(NULL, NULL, NULL, NULL, work + 1, SHAPE_VALUES);
  backward_weight(NULL, NULL, NULL, work + 2, SHAPE_VALUES);
  for (int i = 0; i < 3; i++) bytes[i] = work[i].used;
}
