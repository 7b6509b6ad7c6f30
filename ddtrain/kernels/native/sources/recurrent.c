/* Recurrent networks over whole sequences: for each position the product with the hidden state, and what the gates make
   of it while it is in cache. Weights are cut into panels once a call. */
#include "gemm.h"
#include "small_products.h"
#include "vecmath.h"

#define ROWS 48 /* samples whose products are in cache together; a multiple of TILE_ROWS */
#define MOST_GATES 4

/* to (rows, PANEL) = or += a (rows, depth) times a panel (depth, PANEL) */
static void times(real *to, int64_t ld, matrix a, const real *panel, int64_t rows, int64_t depth, int add) {
  for (int64_t i = 0; i < rows; i += TILE_ROWS)
    product_tile(least(TILE_ROWS, rows - i), 2, add, to + i * ld, ld, (matrix){a.p + i * a.row, a.row, 1}, panel, PANEL,
                 depth);
}

/* w (hidden, gates * hidden) in panels of units: for each PANEL of them one panel a gate; 0 beyond the last unit */
static void cut(real *to, const real *w, int64_t hidden, int gates) {
  for (int64_t u = 0; u < hidden; u += PANEL)
    for (int k = 0; k < gates; k++)
      for (int64_t d = 0; d < hidden; d++, to += PANEL) {
        const int64_t some = least(PANEL, hidden - u);
        memcpy(to, w + (d * gates + k) * hidden + u, (size_t)some * sizeof(real));
        memset(to + some, 0, (size_t)(PANEL - some) * sizeof(real));
      }
}

/* A copy of the state before position t: `first`, with rows `apart`, else that of position t - 1 in y, of `width` a
   position. Rows of y lie so far apart that they would share a few lines of the nearest cache. */
static const real *before(const real *first, int64_t apart, const real *y, int64_t t, int64_t samples, int64_t length,
                          int64_t hidden, int64_t width, real *room) {
  for (int64_t n = 0; n < samples; n++)
    memcpy(room + n * hidden, t ? y + (n * length + t - 1) * width : first + n * apart, (size_t)hidden * sizeof(real));
  return room;
}

/* z (rows, gates, ld) = states (rows, hidden) times all panels */
static void products(real *z, int64_t ld, const real *states, const real *panels, int64_t rows, int64_t hidden,
                     int gates) {
  for (int64_t u = 0; u < hidden; u += PANEL)
    for (int k = 0; k < gates; k++, panels += hidden * PANEL)
      times(z + k * ld + u, gates * ld, (matrix){states, hidden, 1}, panels, rows, hidden, 0);
}

/* Runs STATEMENT for samples n from `first` to `end` and units i in vectors; LOAD and STORE take place i of a row. */
#define FOR_UNITS(first, end, STATEMENT)                          \
  do {                                                            \
    for (int64_t n = (first); n < (end); n++)                     \
      for (int64_t i = 0; i < hidden; i += LANES) {               \
        const int64_t left_ = hidden - i, some_ = left_ < LANES;  \
        STATEMENT                                                 \
      }                                                           \
  } while (0)

/* The same for all samples, ROWS at a time, with the products of their states. */
#define FOR_STATES(gates, state, STATEMENT)                                                    \
  for (int64_t first_ = 0; first_ < samples; first_ += ROWS) {                                 \
    const int64_t rows_ = least(ROWS, samples - first_);                                       \
    products(z, ld, (state) + first_ * hidden, panels, rows_, hidden, gates);                  \
    FOR_UNITS(first_, first_ + rows_, STATEMENT);                                              \
  }
#define PRODUCT(gates, k) load(z + ((n - first_) * (gates) + (k)) * ld + i)

/* dh (samples, ld) = or += dz (samples, depth) times the transposed weight, in panels */
static void back(real *dh, int64_t ld, matrix dz, const real *panels, int64_t samples, int64_t hidden, int64_t depth,
                 int add) {
  for (int64_t u = 0; u < hidden; u += PANEL)
    for (int64_t n = 0; n < samples; n += ROWS)
      times(dh + n * ld + u, ld, (matrix){dz.p + n * dz.row, dz.row, 1}, panels + u * depth, least(ROWS, samples - n),
            depth, add);
}
/* the weight (hidden, depth) transposed in panels of its rows */
static real *turned(const real *w, int64_t hidden, int64_t depth, real **room) {
  real *panels = take(room, depth * whole(hidden, PANEL)), *rest = *room;
  const matrix rows = readable(w, depth, hidden, depth, &rest);
  transpose_into_panels(panels, rows.p, rows.row, hidden, depth, 1);
  return panels;
}
static void copy_out(real *to, const real *from, int64_t ld, int64_t samples, int64_t hidden) {
  for (int64_t n = 0; n < samples; n++) memcpy(to + n * hidden, from + n * ld, (size_t)hidden * sizeof(real));
}

EXPORT void lstm(const real *a, const real *h0, const real *c0, const real *w, real *y, real *gates, real *squashed,
                 int64_t samples, int64_t length, int64_t hidden, int64_t a_row, int64_t h_row,
                 int64_t c_row, real *room) {
  const int64_t m = hidden, ld = whole(hidden, PANEL);
  real *panels = take(&room, 4 * hidden * ld), *z = take(&room, ROWS * 4 * ld), *last = take(&room, samples * hidden);
  cut(panels, w, hidden, 4);
  for (int64_t t = 0; t < length; t++) {
    const real *state = before(h0, h_row, y, t, samples, length, m, 2 * m, last);
    FOR_STATES(4, state, {
      const real *in = a + n * a_row + t * 4 * m;
      const real *old = t ? y + (n * length + t - 1) * 2 * m + m : c0 + n * c_row;
      real *to = gates + (t * samples + n) * 4 * m;
      real *out = y + (n * length + t) * 2 * m;
      vec input = vsigmoid(LOAD(in) + PRODUCT(4, 0));
      vec forget = vsigmoid(LOAD(in + m) + PRODUCT(4, 1));
      vec cell = vtanh(LOAD(in + 2 * m) + PRODUCT(4, 2));
      vec output = vsigmoid(LOAD(in + 3 * m) + PRODUCT(4, 3));
      vec c = forget * LOAD(old) + input * cell;
      vec s = vtanh(c);
      STORE(to, input);
      STORE(to + m, forget);
      STORE(to + 2 * m, cell);
      STORE(to + 3 * m, output);
      STORE(squashed + (t * samples + n) * m, s);
      STORE(out, output * s);
      STORE(out + m, c);
    });
  }
}

EXPORT void lstm_backward(const real *g, const real *y, const real *gates, const real *squashed, const real *c0,
                          const real *w, real *da, real *dh0, real *dc, int64_t samples, int64_t length,
                          int64_t hidden, int64_t c_row, real *room) {
  const int64_t m = hidden, ld = whole(m, PANEL);
  real *dh = take(&room, samples * ld);
  const real *panels = turned(w, m, 4 * m, &room);
  memset(dh, 0, (size_t)(samples * ld) * sizeof(real));
  memset(dc, 0, (size_t)(samples * m) * sizeof(real));
  for (int64_t t = length - 1; t >= 0; t--) {
    FOR_UNITS(0, samples, {
      const real *gate = gates + (t * samples + n) * 4 * m;
      const real *old = t ? y + (n * length + t - 1) * 2 * m + m : c0 + n * c_row;
      const real *of_y = g + (n * length + t) * 2 * m;
      real *to = da + (n * length + t) * 4 * m;
      vec input = LOAD(gate);
      vec forget = LOAD(gate + m);
      vec cell = LOAD(gate + 2 * m);
      vec output = LOAD(gate + 3 * m);
      vec s = LOAD(squashed + (t * samples + n) * m);
      vec of_h = LOAD(dh + n * ld) + LOAD(of_y);
      vec of_c = LOAD(dc + n * m) + LOAD(of_y + m) + of_h * output * (1 - s * s);
      STORE(to, of_c * cell * (input - input * input));
      STORE(to + m, of_c * LOAD(old) * (forget - forget * forget));
      STORE(to + 2 * m, of_c * input * (1 - cell * cell));
      STORE(to + 3 * m, of_h * s * (output - output * output));
      STORE(dc + n * m, of_c * forget);
    });
    back(dh, ld, (matrix){da + t * 4 * m, length * 4 * m, 1}, panels, samples, m, 4 * m, 0);
  }
  copy_out(dh0, dh, ld, samples, m);
}

EXPORT void gru(const real *a, const real *h0, const real *w, const real *b, real *y, real *saved, int64_t samples,
                int64_t length, int64_t hidden, int64_t a_row, int64_t h_row, real *room) {
  const int64_t m = hidden, ld = whole(hidden, PANEL);
  real *panels = take(&room, 3 * hidden * ld), *z = take(&room, ROWS * 3 * ld), *last = take(&room, samples * hidden);
  cut(panels, w, hidden, 3);
  for (int64_t t = 0; t < length; t++) {
    const real *state = before(h0, h_row, y, t, samples, length, m, m, last);
    FOR_STATES(3, state, {
      const real *in = a + n * a_row + t * 3 * m;
      real *to = saved + (n * length + t) * 4 * m;
      vec q0 = PRODUCT(3, 0);
      vec q1 = PRODUCT(3, 1);
      vec q2 = PRODUCT(3, 2);
      if (b) {
        q0 += LOAD(b);
        q1 += LOAD(b + m);
        q2 += LOAD(b + 2 * m);
      }
      vec reset = vsigmoid(LOAD(in) + q0);
      vec keep = vsigmoid(LOAD(in + m) + q1);
      vec new = vtanh(LOAD(in + 2 * m) + reset * q2);
      vec old = LOAD(state + n * m);
      STORE(to, reset);
      STORE(to + m, keep);
      STORE(to + 2 * m, new);
      STORE(to + 3 * m, q2);
      STORE(y + (n * length + t) * m, new + keep * (old - new));
    });
  }
}

EXPORT void gru_backward(const real *g, const real *y, const real *saved, const real *h0, const real *w, real *da,
                         real *dq, real *dh0, int64_t samples, int64_t length, int64_t hidden, int64_t h_row,
                         real *room) {
  const int64_t m = hidden, ld = whole(m, PANEL);
  real *dh = take(&room, samples * ld);
  const real *panels = turned(w, m, 3 * m, &room);
  memset(dh, 0, (size_t)(samples * ld) * sizeof(real));
  for (int64_t t = length - 1; t >= 0; t--) {
    FOR_UNITS(0, samples, {
      const real *old = t ? y + (n * length + t - 1) * m : h0 + n * h_row;
      const real *gate = saved + (n * length + t) * 4 * m;
      const int64_t place = (n * length + t) * 3 * m;
      vec reset = LOAD(gate);
      vec keep = LOAD(gate + m);
      vec new = LOAD(gate + 2 * m);
      vec of_h = LOAD(dh + n * ld) + LOAD(g + (n * length + t) * m);
      vec of_new = of_h * (1 - keep) * (1 - new * new);
      vec of_reset = of_new * LOAD(gate + 3 * m) * (reset - reset * reset);
      vec of_keep = of_h * (LOAD(old) - new) * (keep - keep * keep);
      STORE(da + place, of_reset);
      STORE(da + place + m, of_keep);
      STORE(da + place + 2 * m, of_new);
      STORE(dq + place, of_reset);
      STORE(dq + place + m, of_keep);
      STORE(dq + place + 2 * m, of_new * reset);
      STORE(dh + n * ld, of_h * keep);
    });
    back(dh, ld, (matrix){dq + t * 3 * m, length * 3 * m, 1}, panels, samples, m, 3 * m, 1);
  }
  copy_out(dh0, dh, ld, samples, m);
}

EXPORT void rnn(const real *a, const real *h0, const real *w, real *y, int64_t samples, int64_t length, int64_t hidden,
                int64_t relu, int64_t a_row, int64_t h_row, real *room) {
  const int64_t ld = whole(hidden, PANEL);
  real *panels = take(&room, hidden * ld), *z = take(&room, ROWS * ld), *last = take(&room, samples * hidden);
  const vec zero = {0};
  cut(panels, w, hidden, 1);
  for (int64_t t = 0; t < length; t++) {
    const real *state = before(h0, h_row, y, t, samples, length, hidden, hidden, last);
    FOR_STATES(1, state, {
      const int64_t place = (n * length + t) * hidden;
      vec v = LOAD(a + n * a_row + t * hidden) + PRODUCT(1, 0);
      if (relu) v = choose(v <= zero, zero, v);
      else v = vtanh(v);
      STORE(y + place, v);
    });
  }
}

EXPORT void rnn_backward(const real *g, const real *y, const real *w, real *da, real *dh0, int64_t samples,
                         int64_t length, int64_t hidden, int64_t relu, real *room) {
  const int64_t ld = whole(hidden, PANEL);
  const vec zero = {0};
  real *dh = take(&room, samples * ld);
  const real *panels = turned(w, hidden, hidden, &room);
  memset(dh, 0, (size_t)(samples * ld) * sizeof(real));
  for (int64_t t = length - 1; t >= 0; t--) {
    FOR_UNITS(0, samples, {
      const int64_t place = (n * length + t) * hidden;
      vec of_h = LOAD(g + place) + LOAD(dh + n * ld);
      vec v = LOAD(y + place);
      if (relu) v = choose(v != zero, of_h, of_h * zero);
      else v = of_h * (1 - v * v);
      STORE(da + place, v);
    });
    back(dh, ld, (matrix){da + t * hidden, length * hidden, 1}, panels, samples, hidden, hidden, 0);
  }
  copy_out(dh0, dh, ld, samples, hidden);
}

/* dw (hidden, width) = the states before each position, transposed, times dq (samples, length, width); states of y lie
   `row` entries apart */
EXPORT void backward_weight(int64_t gemm, int64_t wide, const real *h0, const real *y, int64_t row, const real *dq,
                            real *dw, int64_t samples, int64_t length, int64_t hidden, int64_t width, real *room) {
  for (int64_t n = 0; n < samples; n++)
    for (int64_t t = 0; t < length; t++)
      memcpy(room + (n * length + t) * hidden, t ? y + (n * length + t - 1) * row : h0 + n * hidden,
             (size_t)hidden * sizeof(real));
  if (samples && length) product(gemm, wide, 1, 0, hidden, width, samples * length, room, hidden, dq, width, 0, dw, width);
  else memset(dw, 0, (size_t)(hidden * width) * sizeof(real));
}
