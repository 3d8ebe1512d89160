// Recurrent cells in one pass over their gates, and whole LSTM layers: every step is
// one product with packed weights and one cell, while the batch stays in the cache.
#include "product.h"
#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {
namespace {

constexpr int64_t kCells = 2048;  // worth a thread

int64_t row_grain(int64_t width) {
  return std::max<int64_t>(1, kCells / std::max<int64_t>(width, 1));
}

template <class T>
const T* row_at(const T* p, int64_t i, int64_t width) {
  return p ? p + i * width : nullptr;
}

// ---- LSTM: gates lie as i f g o
// ---------------------------------------------------------

// One row: gates before activation in `gates`, replaced by the activated ones.
template <class T>
void lstm_row(int64_t h, T* gates, const T* c, T* new_h, T* new_c) {
  for_lanes<T>(h, [&](int64_t j, int k) {
    const Vec<T> i = sigmoid_lanes<T>(load_first(gates + j, k));
    const Vec<T> f = sigmoid_lanes<T>(load_first(gates + h + j, k));
    const Vec<T> g = tanh_lanes<T>(load_first(gates + 2 * h + j, k));
    const Vec<T> o = sigmoid_lanes<T>(load_first(gates + 3 * h + j, k));
    const Vec<T> next = f * load_first(c + j, k) + i * g;
    store_first(gates + j, i, k);
    store_first(gates + h + j, f, k);
    store_first(gates + 2 * h + j, g, k);
    store_first(gates + 3 * h + j, o, k);
    store_first(new_c + j, next, k);
    store_first(new_h + j, o * tanh_lanes<T>(next), k);
  });
}

// The gradient of one row; dh and dc may be null, dc_out may be dc.
template <class T>
void lstm_row_backward(int64_t h, const T* dh, const T* dc, const T* gates, const T* c,
                       const T* new_c, T* dgates, T* dc_out) {
  for_lanes<T>(h, [&](int64_t j, int k) {
    const Vec<T> i = load_first(gates + j, k), f = load_first(gates + h + j, k);
    const Vec<T> g = load_first(gates + 2 * h + j, k),
                 o = load_first(gates + 3 * h + j, k);
    const Vec<T> up = dh ? load_first(dh + j, k) : Vec<T>{};
    const Vec<T> y = tanh_lanes<T>(load_first(new_c + j, k));
    const Vec<T> d = (dc ? load_first(dc + j, k) : Vec<T>{}) + up * o * (T(1) - y * y);
    store_first(dgates + j, d * g * i * (T(1) - i), k);
    store_first(dgates + h + j, d * load_first(c + j, k) * f * (T(1) - f), k);
    store_first(dgates + 2 * h + j, d * i * (T(1) - g * g), k);
    store_first(dgates + 3 * h + j, up * y * o * (T(1) - o), k);
    store_first(dc_out + j, d * f, k);
  });
}

template <class T>
fl_status lstm_cell_as(const fl_call* call) {
  const int64_t n = call->in[1].sizes[0], h = call->in[1].sizes[1];
  const T *gates = data_of<T>(call->in[0]), *c = data_of<T>(call->in[1]);
  T *new_h = data_of<T>(call->out[0]), *new_c = data_of<T>(call->out[1]);
  T* active = data_of<T>(call->out[2]);
  parallel_for(n, row_grain(h), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      std::copy_n(gates + r * 4 * h, 4 * h, active + r * 4 * h);
      lstm_row(h, active + r * 4 * h, c + r * h, new_h + r * h, new_c + r * h);
    }
  });
  return FL_OK;
}

template <class T>
fl_status lstm_cell_backward_as(const fl_call* call) {
  const int64_t n = call->in[3].sizes[0], h = call->in[3].sizes[1];
  const T *dh = data_of<T>(input(call, 0)), *dc = data_of<T>(input(call, 1));
  const T *gates = data_of<T>(call->in[2]), *c = data_of<T>(call->in[3]);
  const T* new_c = data_of<T>(call->in[4]);
  T *dgates = data_of<T>(call->out[0]), *dc_out = data_of<T>(call->out[1]);
  parallel_for(n, row_grain(h), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      lstm_row_backward(h, row_at(dh, r, h), row_at(dc, r, h), gates + r * 4 * h,
                        c + r * h, new_c + r * h, dgates + r * 4 * h, dc_out + r * h);
  });
  return FL_OK;
}

// ---- a layer over time
// ------------------------------------------------------------------

// b [k, n] in panels of columns, shared by all steps.
template <class T>
struct Panels {
  int64_t k, n;
  T* data;

  Panels(View<T> b, int64_t rows, int64_t cols) : k(rows), n(cols) {
    constexpr int N = kTileCols<T>;
    data = scratch::array<T>(scratch::kPackB, size_t(ceil_div(n, N) * N * k + 1));
    for (int64_t j = 0; data && j < n; j += N)
      pack(data + j * k, N, int(std::min<int64_t>(N, n - j)), k,
           b.at(0, j).transposed());
  }

  // c[m, n] += a[m, k] b, a part of k at a time, whose panel stays in the first cache.
  void add_product(int64_t m, const T* a, T* c) const {
    constexpr int N = kTileCols<T>;
    const int64_t part = even_part(k, kBlockK);
    Epilogue<T> e;
    e.accumulate = true;
    for (int64_t j = 0; j < n; j += N)
      for (int64_t p = 0; p < k; p += part)
        panel_product<T>(m, int(std::min<int64_t>(N, n - j)),
                         {std::min(part, k - p), a + p, k, 1, data + j * k + p * N, N,
                          c + j, n, 0, true},
                         0, e);
  }
};

struct LayerSize {
  int64_t t, n, h;
  bool reverse;
  // The step that comes i-th, and the one before it (-1: the initial state).
  int64_t step(int64_t i) const { return reverse ? t - 1 - i : i; }
  // Rows of the batch worth a thread: a product of some 20 us.
  int64_t grain() const {
    return std::max<int64_t>(14,
                             (int64_t{1} << 21) / std::max<int64_t>(1, t * h * h * 4));
  }
};

template <class T>
fl_status lstm_layer_as(const fl_call* call) {
  const fl_tensor& gx = call->in[0];
  const LayerSize z = {gx.sizes[0], gx.sizes[1], gx.sizes[2] / 4,
                       call->attr[0].v.i != 0};
  const T *x = data_of<T>(gx), *w = data_of<T>(call->in[1]);
  const T *h0 = data_of<T>(call->in[2]), *c0 = data_of<T>(call->in[3]);
  T *hs = data_of<T>(call->out[0]), *cs = data_of<T>(call->out[1]);
  T* gates = data_of<T>(call->out[2]);
  const Panels<T> panels({w, 1, z.h}, z.h, 4 * z.h);
  if (!panels.data) return fail(call, "lstm_layer: no memory", FL_OUT_OF_MEMORY);
  parallel_for(z.n, z.grain(), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < z.t; ++i) {
      const int64_t now = z.step(i) * z.n, before = i > 0 ? z.step(i - 1) * z.n : 0;
      const T* h = (i > 0 ? hs + before * z.h : h0) + begin * z.h;
      const T* c = (i > 0 ? cs + before * z.h : c0) + begin * z.h;
      const int64_t row = now + begin, m = end - begin;
      std::copy_n(x + row * 4 * z.h, m * 4 * z.h, gates + row * 4 * z.h);
      panels.add_product(m, h, gates + row * 4 * z.h);
      for (int64_t r = 0; r < m; ++r)
        lstm_row(z.h, gates + (row + r) * 4 * z.h, c + r * z.h, hs + (row + r) * z.h,
                 cs + (row + r) * z.h);
    }
  });
  return FL_OK;
}

template <class T>
fl_status lstm_layer_backward_as(const fl_call* call) {
  const fl_tensor& act = call->in[4];
  const LayerSize z = {act.sizes[0], act.sizes[1], act.sizes[2] / 4,
                       call->attr[0].v.i != 0};
  const T *dhs = data_of<T>(input(call, 0)), *dhn = data_of<T>(input(call, 1));
  const T *dcn = data_of<T>(input(call, 2)), *w = data_of<T>(call->in[3]);
  const T *gates = data_of<T>(act), *cs = data_of<T>(call->in[5]);
  const T* c0 = data_of<T>(call->in[6]);
  T *dgates = data_of<T>(call->out[0]), *dh = data_of<T>(call->out[1]);
  T* dc = data_of<T>(call->out[2]);
  const Panels<T> panels({w, z.h, 1}, 4 * z.h, z.h);
  if (!panels.data) return fail(call, "lstm_layer: no memory", FL_OUT_OF_MEMORY);
  // dh and dc hold the gradients that come from the later steps.
  parallel_for(z.n, z.grain(), [&](int64_t begin, int64_t end) {
    const int64_t m = end - begin, size = m * z.h, at = begin * z.h;
    const auto start = [&](const T* from, T* to) {
      if (from)
        std::copy_n(from + at, size, to + at);
      else
        std::fill_n(to + at, size, T(0));
    };
    start(dhn, dh);
    start(dcn, dc);
    for (int64_t i = z.t - 1; i >= 0; --i) {
      const int64_t row = z.step(i) * z.n + begin;
      const T* c = i > 0 ? cs + (z.step(i - 1) * z.n + begin) * z.h : c0 + at;
      if (dhs)
        for (int64_t j = 0; j < size; ++j) dh[at + j] += dhs[row * z.h + j];
      for (int64_t r = 0; r < m; ++r)
        lstm_row_backward(z.h, dh + at + r * z.h, dc + at + r * z.h,
                          gates + (row + r) * 4 * z.h, c + r * z.h,
                          cs + (row + r) * z.h, dgates + (row + r) * 4 * z.h,
                          dc + at + r * z.h);
      std::fill_n(dh + at, size, T(0));
      panels.add_product(m, dgates + row * 4 * z.h, dh + at);
    }
  });
  return FL_OK;
}

// ---- GRU: gates lie as r z n
// ------------------------------------------------------------

template <class T>
fl_status gru_cell_as(const fl_call* call) {
  const int64_t n = call->in[2].sizes[0], h = call->in[2].sizes[1];
  const T *gi = data_of<T>(call->in[0]), *gh = data_of<T>(call->in[1]);
  const T* state = data_of<T>(call->in[2]);
  T *next = data_of<T>(call->out[0]), *saved = data_of<T>(call->out[1]);
  parallel_for(n, row_grain(h), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T *a = gi + row * 3 * h, *b = gh + row * 3 * h;
      T* keep = saved + row * 4 * h;
      for_lanes<T>(h, [&](int64_t j, int k) {
        const Vec<T> r = sigmoid_lanes<T>(load_first(a + j, k) + load_first(b + j, k));
        const Vec<T> z =
            sigmoid_lanes<T>(load_first(a + h + j, k) + load_first(b + h + j, k));
        const Vec<T> hidden = load_first(b + 2 * h + j, k);
        const Vec<T> m = tanh_lanes<T>(load_first(a + 2 * h + j, k) + r * hidden);
        store_first(keep + j, r, k);
        store_first(keep + h + j, z, k);
        store_first(keep + 2 * h + j, m, k);
        store_first(keep + 3 * h + j, hidden, k);
        store_first(next + row * h + j,
                    m + z * (load_first(state + row * h + j, k) - m), k);
      });
    }
  });
  return FL_OK;
}

template <class T>
fl_status gru_cell_backward_as(const fl_call* call) {
  const int64_t n = call->in[2].sizes[0], h = call->in[2].sizes[1];
  const T *dh = data_of<T>(call->in[0]), *saved = data_of<T>(call->in[1]);
  const T* state = data_of<T>(call->in[2]);
  T *dgi = data_of<T>(call->out[0]), *dgh = data_of<T>(call->out[1]);
  T* dprev = data_of<T>(call->out[2]);
  parallel_for(n, row_grain(h), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* keep = saved + row * 4 * h;
      T *a = dgi + row * 3 * h, *b = dgh + row * 3 * h;
      for_lanes<T>(h, [&](int64_t j, int k) {
        const Vec<T> r = load_first(keep + j, k), z = load_first(keep + h + j, k);
        const Vec<T> m = load_first(keep + 2 * h + j, k);
        const Vec<T> up = load_first(dh + row * h + j, k);
        const Vec<T> dm = up * (T(1) - z) * (T(1) - m * m);
        const Vec<T> dz =
            up * (load_first(state + row * h + j, k) - m) * z * (T(1) - z);
        const Vec<T> dr = dm * load_first(keep + 3 * h + j, k) * r * (T(1) - r);
        store_first(a + j, dr, k);
        store_first(a + h + j, dz, k);
        store_first(a + 2 * h + j, dm, k);
        store_first(b + j, dr, k);
        store_first(b + h + j, dz, k);
        store_first(b + 2 * h + j, dm * r, k);
        store_first(dprev + row * h + j, up * z, k);
      });
    }
  });
  return FL_OK;
}

#define FL_CELL(name, body)                                         \
  fl_status name(const fl_call* call) {                             \
    return for_dtype<kSingles>(call->out[0].dtype, [&](auto type) { \
      return body<typename decltype(type)::type>(call);             \
    });                                                             \
  }
FL_CELL(lstm_cell, lstm_cell_as)
FL_CELL(lstm_cell_backward, lstm_cell_backward_as)
FL_CELL(lstm_layer, lstm_layer_as)
FL_CELL(lstm_layer_backward, lstm_layer_backward_as)
FL_CELL(gru_cell, gru_cell_as)
FL_CELL(gru_cell_backward, gru_cell_backward_as)
#undef FL_CELL

}  // namespace

FL_FAMILY(rnn, {"lstm_cell", lstm_cell, kSingles},
          {"lstm_cell_backward", lstm_cell_backward, kSingles},
          {"lstm_layer", lstm_layer, kSingles},
          {"lstm_layer_backward", lstm_layer_backward, kSingles},
          {"gru_cell", gru_cell, kSingles},
          {"gru_cell_backward", gru_cell_backward, kSingles});

}  // namespace FL_ISA
