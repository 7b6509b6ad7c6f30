/* Geometry of convolutions: which outputs see the same entries of the kernel, which strips of the images are in the
   cache at a time, and the tables of distances that `products.h` asks for. */
#ifndef DDTRAIN_CONV_PLAN_H
#define DDTRAIN_CONV_PLAN_H
#include "products.h"

enum { MOST_STRIDE = 8 };

/* What a convolution's kernels are called with: images (n, height, width, channels), outputs (n, p, q, k), a kernel
   (kh, kw, channels / groups, k), strides, distances between the kernel's entries, zeros above and to the left. */
#define SHAPE                                                                                              \
  int64_t n, int64_t height, int64_t width, int64_t channels, int64_t p, int64_t q, int64_t k, int64_t kh, \
      int64_t kw, int64_t down, int64_t across, int64_t apart, int64_t beside, int64_t top, int64_t left,  \
      int64_t groups
#define SHAPE_VALUES n, height, width, channels, p, q, k, kh, kw, down, across, apart, beside, top, left, groups

/* Rows or columns of a pass. Output i < count lies at first + i * every; it sees the inputs from + i * step + j * tap
   for j < taps, through entry weight + j * weight_step of the kernel. */
typedef struct {
  int64_t count, first, every, from, step, taps, tap, weight, weight_step;
} axis;

/* Outputs that see the same entries of the kernel, and their tables: where the entries of a window lie, where the
   windows of a strip begin, and where their results go. */
typedef struct {
  const axis *rows, *columns;
  int64_t n_terms;
  place *terms, *positions, *places;
  real *weight; /* packed */
} pass;

/* Takes images (n, height, width, c_in) to images (n, height_out, width_out, c_out), a strip of `images` of them, or
   of `rows` outputs of one, at a time; `copied` with the zeros around it into `window`, or read where it is. */
typedef struct {
  int64_t n, height, width, c_in, height_out, width_out, c_out, groups, group_in, group_out, vectors, n_passes;
  int64_t images, rows, first_row, first_column, window_rows, window_columns, pitch;
  int diagonal, copied; /* diagonal: a channel a group, seen as one group */
  real *window;
  axis row_axes[MOST_STRIDE], column_axes[MOST_STRIDE];
  pass passes[MOST_STRIDE * MOST_STRIDE];
} plan;

/* Work space is laid out by one function for those who measure it (with no memory) and those who use it. */
typedef struct {
  char *memory;
  int64_t used;
} space;
static void *take(space *work, int64_t bytes) {
  char *here = work->memory ? work->memory + work->used : NULL;
  work->used += (bytes + 63) / 64 * 64;
  return here;
}

static axis forward_axis(int64_t outputs, int64_t before, int64_t stride, int64_t taps, int64_t apart) {
  return (axis){outputs, 0, 1, -before, stride, taps, apart, 0, 1};
}

static int64_t divisor(int64_t a, int64_t b) { return b ? divisor(b, a % b) : a; }

/* The way back. Input h = phase + i * stride lies in the windows of outputs (h + before - r * apart) / stride, for the
   r for which that is whole: every so many entries of the kernel, which is turned round. */
static axis backward_axis(int64_t phase, int64_t inputs, int64_t before, int64_t stride, int64_t taps, int64_t apart) {
  const int64_t common = divisor(stride, apart), every = stride / common;
  int64_t r = 0;
  while (r < every && (phase + before - r * apart) % stride) r++;
  const int64_t count = r < every && r < taps ? (taps - r - 1) / every + 1 : 0, last = r + (count - 1) * every;
  const int64_t from = count ? (phase + before - last * apart) / stride : 0;
  return (axis){(inputs - phase + stride - 1) / stride, phase, stride, from, 1, count, apart / common, last, -every};
}

static void forward_plan(plan *s, SHAPE) {
  *s = (plan){.n = n, .height = height, .width = width, .c_in = channels, .height_out = p, .width_out = q, .c_out = k,
              .groups = groups, .group_in = channels / groups, .group_out = k / groups, .n_passes = 1};
  s->row_axes[0] = forward_axis(p, top, down, kh, apart);
  s->column_axes[0] = forward_axis(q, left, across, kw, beside);
  s->passes[0] = (pass){.rows = s->row_axes, .columns = s->column_axes};
}

static void backward_plan(plan *s, SHAPE) {
  *s = (plan){.n = n, .height = p, .width = q, .c_in = k, .height_out = height, .width_out = width, .c_out = channels,
              .groups = groups, .group_in = k / groups, .group_out = channels / groups};
  for (int64_t i = 0; i < down; i++) s->row_axes[i] = backward_axis(i, height, top, down, kh, apart);
  for (int64_t j = 0; j < across; j++) s->column_axes[j] = backward_axis(j, width, left, across, kw, beside);
  for (int64_t i = 0; i < least(down, height); i++)
    for (int64_t j = 0; j < least(across, width); j++)
      s->passes[s->n_passes++] = (pass){.rows = s->row_axes + i, .columns = s->column_axes + j};
}

typedef struct {
  int64_t first, span, count; /* of the inputs that output 0 sees, and the most outputs of a pass */
  int outside;                /* whether some input that is seen is not there */
} reach;
static reach reach_of(const axis *axes, int64_t n, int64_t size) {
  int64_t low = INT64_MAX, high = INT64_MIN, end = INT64_MIN, count = 0;
  for (const axis *a = axes; a < axes + n; a++) {
    count = most(count, a->count);
    if (a->taps == 0 || a->count <= 0) continue;
    low = least(low, a->from);
    high = most(high, a->from + (a->taps - 1) * a->tap);
    end = most(end, a->from + (a->taps - 1) * a->tap + (a->count - 1) * a->step);
  }
  if (low > high) return (reach){0, 0, count, 0};
  return (reach){low, high - low + 1, count, low < 0 || end >= size};
}

/* Decide about strips, of about so many bytes but no less than so many outputs, and lay out the tables. */
static void lay_out(plan *s, int64_t strip_bytes, int64_t least_outputs, space *work, int64_t down, int64_t across) {
  const reach r = reach_of(s->row_axes, down, s->height), c = reach_of(s->column_axes, across, s->width);
  const int64_t row_step = s->row_axes[0].step, column_step = s->column_axes[0].step;
  s->diagonal = s->groups > 1 && s->group_in == 1 && s->group_out == 1;
  if (s->diagonal) s->groups = 1, s->group_out = s->c_out;
  s->vectors = (s->group_out + LANES - 1) / LANES;
  s->copied |= r.outside || c.outside || (s->diagonal && s->c_in % LANES);
  s->first_row = r.first, s->first_column = c.first;
  s->window_columns = (c.count - 1) * column_step + c.span;
  s->pitch = (s->copied ? s->window_columns : s->width) * s->c_in;
  const int64_t row_bytes = most(s->pitch * REAL_BYTES, 1);
  const int64_t image_bytes = ((r.count - 1) * row_step + r.span) * row_bytes;
  const int64_t rows = most((strip_bytes / row_bytes - r.span) / row_step + 1, least_outputs / c.count);
  const int64_t images = most(strip_bytes / most(image_bytes, 1), least_outputs / (r.count * c.count));
  s->rows = most(1, least(rows, r.count));
  s->images = s->rows < r.count ? 1 : most(1, least(images, s->n));
  s->window_rows = (s->rows - 1) * row_step + r.span;
  s->window = s->copied ? take(work, (s->images * s->window_rows * s->pitch + LANES) * REAL_BYTES) : NULL;
  for (pass *one = s->passes; one < s->passes + s->n_passes; one++) {
    const int64_t positions = s->images * least(s->rows, one->rows->count) * one->columns->count;
    one->n_terms = one->rows->taps * one->columns->taps * (s->diagonal ? 1 : s->group_in);
    one->terms = take(work, one->n_terms * (int64_t)sizeof(place));
    one->positions = take(work, positions * (int64_t)sizeof(place));
    one->places = take(work, positions * (int64_t)sizeof(place));
  }
}

static void fill_tables(const plan *s) {
  const int64_t per_image = (s->copied ? s->window_rows : s->height) * s->pitch;
  for (const pass *one = s->passes; one < s->passes + s->n_passes; one++) {
    const axis *a = one->rows, *b = one->columns;
    place *term = one->terms, *position = one->positions, *at = one->places;
    for (int64_t r = 0; r < a->taps; r++)
      for (int64_t t = 0; t < b->taps; t++)
        for (int64_t j = 0; j < (s->diagonal ? 1 : s->group_in); j++)
          *term++ = (place)(r * a->tap * s->pitch + t * b->tap * s->c_in + j);
    for (int64_t image = 0; image < s->images; image++)
      for (int64_t row = 0; row < least(s->rows, a->count); row++)
        for (int64_t column = 0; column < b->count; column++) {
          *position++ = (place)(image * per_image + (a->from - s->first_row + row * a->step) * s->pitch +
                                (b->from - s->first_column + column * b->step) * s->c_in);
          *at++ = (place)(((image * s->height_out + a->first + row * a->every) * s->width_out + b->first +
                           column * b->every) * s->c_out);
        }
  }
}

/* What outputs from `row` on of some images see; position 0 of the tables is where the result points. */
static const real *window(const plan *s, const real *x, int64_t image, int64_t images, int64_t row) {
  const int64_t first = s->first_row + row * s->row_axes[0].step, c = s->c_in;
  x += image * s->height * s->width * c;
  if (!s->copied) return x + (first * s->width + s->first_column) * c;
  const int64_t before = least(most(0, -s->first_column), s->window_columns), skipped = most(0, s->first_column);
  const int64_t inside = most(0, least(s->width - skipped, s->window_columns - before));
  real *to = s->window;
  for (int64_t i = 0; i < images; i++)
    for (int64_t r = first; r < first + s->window_rows; r++, to += s->pitch) {
      const int there = r >= 0 && r < s->height;
      memset(to, 0, (size_t)((there ? before : s->window_columns) * c) * REAL_BYTES);
      if (!there) continue;
      const real *from = x + ((i * s->height + r) * s->width + skipped) * c;
      memcpy(to + before * c, from, (size_t)(inside * c) * REAL_BYTES);
      memset(to + (before + inside) * c, 0, (size_t)((s->window_columns - before - inside) * c) * REAL_BYTES);
    }
  return s->window;
}

#endif
