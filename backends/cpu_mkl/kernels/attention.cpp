// Scaled dot-product attention, forward and backward, in blocks of rows and keys that
// stay in the caches: the matrix of weights never exists as a whole.
#include "multiply.h"
#include "registry.h"
#include "rows.h"

namespace FL_ISA {
namespace {

constexpr int64_t kBlockRows = 56, kBlockKeys = 256;
// Rows of a block lie a little more than a power of two apart: else what is stored to
// one holds up loads from another.
constexpr int64_t kGap = 16, kKeyStride = kBlockKeys + kGap;
constexpr const char* kNoMemory = "attention: no memory";

// A matrix of one head.
template <class T>
struct Head {
  T* data;
  int64_t rs, cs;
};

struct Sizes {
  int64_t b, h, hk, t, s, d, dv;
  int64_t group() const { return h / hk; }
};
Sizes sizes_of(const fl_tensor& q, const fl_tensor& k, const fl_tensor& v) {
  return {q.sizes[0], q.sizes[1], k.sizes[1], q.sizes[2],
          k.sizes[2], q.sizes[3], v.sizes[3]};
}

template <class T>
Head<T> head_of(const fl_tensor& t, int64_t b, int64_t h) {
  return {static_cast<T*>(t.data) + b * t.strides[0] + h * t.strides[1], t.strides[2],
          t.strides[3]};
}

// A head as rows of the compute type with contiguous columns: itself, or a copy.
template <class T>
View<Compute<T>> rows_of(Head<const T> x, int64_t rows, int64_t cols,
                         Compute<T>* copy) {
  using C = Compute<T>;
  if constexpr (!kIsHalf<T>)
    if (x.cs == 1 || cols == 1) return {x.data, x.rs, 1};
  for (int64_t i = 0; i < rows; ++i) {
    const T* from = x.data + i * x.rs;
    if (x.cs == 1)
      for_lanes<C>(cols, [&](int64_t j, int k) {
        store_first(copy + i * cols + j, load_row(from + j, k), k);
      });
    else
      for (int64_t j = 0; j < cols; ++j) copy[i * cols + j] = C(read(from[j * x.cs]));
  }
  return {copy, cols, 1};
}

// Rows as packed panels of their transpose: [panel][column][kTileCols].
template <class C>
void pack_keys(View<C> x, int64_t rows, int64_t cols, C* panels) {
  constexpr int N = kTileCols<C>;
  for (int64_t i = 0; i < rows; i += N, panels += cols * N)
    pack(panels, N, int(std::min<int64_t>(N, rows - i)), cols, x.at(i, 0));
}
template <class C>
size_t packed_size(int64_t rows, int64_t cols) {
  return size_t(ceil_div(rows, kTileCols<C>) * kTileCols<C> * cols);
}

// c[m, n] (+)= a[m, k] b[k, n], where b has contiguous rows (brs apart) or, with brs 0,
// consists of panels as pack_keys makes them.
template <class C>
void small_product(int64_t m, int64_t n, int64_t k, View<C> a, const C* b, int64_t brs,
                   C* c, int64_t crs, bool accumulate) {
  constexpr int N = kTileCols<C>;
  Epilogue<C> e;
  e.accumulate = accumulate;
  for (int64_t j = 0; j < n; j += N) {
    const C* panel = brs == 0 ? b + j * k : b + j;
    panel_product<C>(
        m, int(std::min<int64_t>(N, n - j)),
        {k, a.data, a.rs, a.cs, panel, brs == 0 ? N : brs, c + j, crs, 0, brs == 0}, 0,
        e);
  }
}

struct MaskRow {
  const char* data = nullptr;  // null: no mask
  int64_t stride = 0;
  int dtype = 0;
};
MaskRow mask_row(const fl_tensor* mask, int64_t b, int64_t h, int64_t row) {
  if (!mask) return {};
  const int64_t at =
      b * mask->strides[0] + h * mask->strides[1] + row * mask->strides[2];
  return {static_cast<const char*>(mask->data) + at * int64_t(dtype_size(mask->dtype)),
          mask->strides[3], mask->dtype};
}

// x += mask for keys [j0, j0 + n); a false bool is -inf.
template <class C>
void add_mask(const MaskRow& m, int64_t j0, C* x, int64_t n) {
  if (!m.data) return;
  if (m.dtype == FL_BOOL) {
    const char* from = m.data + j0 * m.stride;
    for (int64_t j = 0; j < n; ++j) x[j] = from[j * m.stride] ? x[j] : -C(INFINITY);
    return;
  }
  const fl_tensor values = {const_cast<char*>(m.data), nullptr, nullptr, 0, 1,
                            uint16_t(m.dtype),         0};
  if (m.dtype == DtypeOf<C>::value && m.stride == 1) {
    const C* from = reinterpret_cast<const C*>(m.data) + j0;
    for (int64_t j = 0; j < n; ++j) x[j] += from[j];
    return;
  }
  for (int64_t j = 0; j < n; ++j) x[j] += value_at<C>(values, (j0 + j) * m.stride);
}

// What a call has for all its heads.
struct Setting {
  Sizes z;
  const fl_tensor* mask;
  double scale;
  bool causal;

  // Keys that rows [.., last] see.
  int64_t keys(int64_t last) const { return causal ? std::min(z.s, last + 1) : z.s; }
};

// ---- forward
// ---------------------------------------------------------------------------

// The running softmax of one row: its maximum and sum, and its part of the output.
template <class C>
struct RowState {
  C top, sum;
};

// Turns a row of products into weights, and scales what has been summed so far.
template <class C>
void soften(C* x, int64_t n, int64_t width, C scale, const MaskRow& mask, int64_t j0,
            RowState<C>& state, C* out, int64_t dv) {
  if (mask.data || !(scale > C(0))) {
    for_lanes<C>(n, [&](int64_t i, int k) {
      store_first(x + i, load_first(x + i, k) * scale, k);
    });
    add_mask(mask, j0, x, n);
    scale = C(1);
  }
  constexpr int L = kLanes<C>;
  Vec<C> most = Vec<C>{} - C(INFINITY);
  int64_t i = 0;
  for (; i + L <= n; i += L) most = max_nan(most, load<Vec<C>>(x + i));
  C top = fold_lanes([](auto a, auto b) { return max_nan(a, b); }, most);
  for (; i < n; ++i) top = x[i] > top || x[i] != x[i] ? x[i] : top;
  top *= scale;  // of the scaled row: scaling keeps the order
  top = state.top > top ? state.top : top;
  if (top == -C(INFINITY)) {
    std::fill_n(x, width, C(0));
    return;
  }
  Vec<C> sum = {};
  for_lanes<C>(n, [&](int64_t j, int k) {
    const Vec<C> e =
        keep_first<C>(exp_nonpositive<C>(load_first(x + j, k) * scale - top), k);
    store_first(x + j, e, k);
    sum += e;
  });
  std::fill(x + n, x + width, C(0));
  const C keep = state.top == -C(INFINITY) ? C(0) : std::exp(state.top - top);
  if (keep != C(1) && state.sum != C(0))
    for_lanes<C>(dv, [&](int64_t j, int k) {
      store_first(out + j, load_first(out + j, k) * keep, k);
    });
  state.sum = state.sum * keep + sum_lanes<C>(sum);
  state.top = top;
}

template <class C>
struct ForwardScratch {
  C *keys, *values, *queries, *weights, *sums;
  bool ok;

  ForwardScratch(const Sizes& z) {
    const size_t copies = size_t(z.s * z.dv + z.t * z.d);
    keys = scratch::array<C>(scratch::kPackB, packed_size<C>(z.s, z.d));
    values = scratch::array<C>(scratch::kWork, copies + size_t(z.s * z.d) + 1);
    queries = values + z.s * z.dv;
    weights = scratch::array<C>(scratch::kWork2, size_t(kBlockRows * kKeyStride));
    sums = scratch::array<C>(scratch::kWork3, size_t(kBlockRows * z.dv + 1));
    ok = keys && values && weights && sums;
  }
  C* key_copy(const Sizes& z) { return queries + z.t * z.d; }
};

// Rows [t0, t0 + m) of one head.
template <class T>
void forward_block(const Setting& a, int64_t b, int64_t h, int64_t t0, int64_t m,
                   View<Compute<T>> q, View<Compute<T>> v,
                   ForwardScratch<Compute<T>>& w, const fl_tensor& out,
                   const fl_tensor& lse) {
  using C = Compute<T>;
  RowState<C> state[kBlockRows];
  std::fill_n(state, m, RowState<C>{-C(INFINITY), C(0)});
  const int64_t limit = a.keys(t0 + m - 1);
  for (int64_t j0 = 0; j0 < limit; j0 += kBlockKeys) {
    const int64_t width = std::min(kBlockKeys, limit - j0);
    small_product<C>(m, width, a.z.d, q.at(t0, 0), w.keys + j0 * a.z.d, 0, w.weights,
                     kKeyStride, false);
    for (int64_t i = 0; i < m; ++i) {
      const int64_t n = std::clamp<int64_t>(a.keys(t0 + i) - j0, 0, width);
      soften<C>(w.weights + i * kKeyStride, n, width, C(a.scale),
                mask_row(a.mask, b, h, t0 + i), j0, state[i], w.sums + i * a.z.dv,
                a.z.dv);
    }
    small_product<C>(m, a.z.dv, width, {w.weights, kKeyStride, 1}, v.at(j0, 0).data,
                     v.rs, w.sums, a.z.dv, j0 > 0);
  }
  const Head<T> to = head_of<T>(out, b, h);
  for (int64_t i = 0; i < m; ++i) {
    const bool none = limit == 0 || state[i].sum == C(0);
    const C by = none ? C(0) : C(1) / state[i].sum;
    T* row = to.data + (t0 + i) * to.rs;
    const C* from = w.sums + i * a.z.dv;
    if (to.cs == 1)
      for_lanes<C>(a.z.dv, [&](int64_t j, int k) {
        store_row(row + j, none ? Vec<C>{} : load_first(from + j, k) * by, k);
      });
    else
      for (int64_t j = 0; j < a.z.dv; ++j)
        row[j * to.cs] = write<T>(none ? C(0) : from[j] * by);
    put_at(lse, (b * a.z.h + h) * a.z.t + t0 + i,
           none ? -C(INFINITY) : state[i].top + std::log(state[i].sum));
  }
}

template <class T>
fl_status forward_as(const fl_call* call) {
  using C = Compute<T>;
  const fl_tensor &q = call->in[0], &k = call->in[1], &v = call->in[2];
  const Setting a = {sizes_of(q, k, v), input(call, 3), call->attr[0].v.f,
                     call->attr[1].v.i != 0};
  const Sizes& z = a.z;
  bool ok = true;
  const int64_t grain =
      std::max<int64_t>(1, (int64_t{1} << 20) / std::max<int64_t>(1, z.t * z.s * z.d));
  parallel_for(z.b * z.h, grain, [&](int64_t begin, int64_t end) {
    ForwardScratch<C> w(z);
    if (!w.ok) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / z.h, h = i % z.h, hk = h / z.group();
      pack_keys(rows_of<T>(head_of<const T>(k, b, hk), z.s, z.d, w.key_copy(z)), z.s,
                z.d, w.keys);
      const auto values = rows_of<T>(head_of<const T>(v, b, hk), z.s, z.dv, w.values);
      const auto queries = rows_of<T>(head_of<const T>(q, b, h), z.t, z.d, w.queries);
      const int64_t rows = even_part(z.t, kBlockRows);
      for (int64_t t0 = 0; t0 < z.t; t0 += rows)
        forward_block<T>(a, b, h, t0, std::min(rows, z.t - t0), queries, values, w,
                         call->out[0], call->out[1]);
    }
  });
  return ok ? FL_OK : fail(call, kNoMemory, FL_OUT_OF_MEMORY);
}

// ---- backward
// --------------------------------------------------------------------------

constexpr int64_t kBackRows = 56, kBackKeys = 128, kBackStride = kBackKeys + kGap;

template <class C>
struct BackwardScratch {
  C *keys, *values;         // packed transposes of k and v
  C *p, *ds;                // a block of weights and of their gradients
  C *dq, *dk, *dv, *delta;  // sums
  C *copy_q, *copy_k, *copy_v, *copy_g;
  bool ok;

  BackwardScratch(const Sizes& z) {
    keys = scratch::array<C>(scratch::kPackB,
                             packed_size<C>(z.s, z.d) + packed_size<C>(z.s, z.dv));
    values = keys + packed_size<C>(z.s, z.d);
    p = scratch::array<C>(scratch::kWork2, size_t(2 * kBackRows * kBackStride));
    ds = p + kBackRows * kBackStride;
    dq = scratch::array<C>(scratch::kWork3,
                           size_t(z.t * z.d + z.s * z.d + z.s * z.dv + z.t + 1));
    dk = dq + z.t * z.d;
    dv = dk + z.s * z.d;
    delta = dv + z.s * z.dv;
    copy_q = scratch::array<C>(
        scratch::kWork, size_t(z.t * z.d + z.s * z.d + z.s * z.dv + z.t * z.dv + 1));
    copy_k = copy_q + z.t * z.d;
    copy_v = copy_k + z.s * z.d;
    copy_g = copy_v + z.s * z.dv;
    ok = keys && p && dq && copy_q;
  }
};

template <class C>
struct HeadViews {
  View<C> q, k, g;
};

// p = exp(scale x - lse) and ds = p (dp - delta) for a block of rows.
template <class C>
void block_weights(const Setting& a, int64_t b, int64_t h, int64_t t0, int64_t m,
                   int64_t j0, int64_t width, const fl_tensor& lse,
                   BackwardScratch<C>& w) {
  for (int64_t i = 0; i < m; ++i) {
    C *p = w.p + i * kBackStride, *ds = w.ds + i * kBackStride;
    const int64_t n = std::clamp<int64_t>(a.keys(t0 + i) - j0, 0, width);
    const MaskRow mask = mask_row(a.mask, b, h, t0 + i);
    const C top = value_at<C>(lse, (b * a.z.h + h) * a.z.t + t0 + i);
    const C scale = C(a.scale), delta = w.delta[t0 + i];
    if (top == -C(INFINITY)) {  // a row that sees nothing
      std::fill_n(p, width, C(0));
      std::fill_n(ds, width, C(0));
      continue;
    }
    if (mask.data) {
      for (int64_t j = 0; j < n; ++j) p[j] *= scale;
      add_mask(mask, j0, p, n);
    }
    const C by = mask.data ? C(1) : scale;
    for_lanes<C>(n, [&](int64_t j, int k) {
      const Vec<C> e = exp_nonpositive<C>(load_first(p + j, k) * by - top);
      store_first(p + j, e, k);
      store_first(ds + j, e * (load_first(ds + j, k) - delta) * scale, k);
    });
    std::fill(p + n, p + width, C(0));
    std::fill(ds + n, ds + width, C(0));
  }
}

// Adds the gradients of one head of queries.
template <class C>
void backward_head(const Setting& a, int64_t b, int64_t h, const HeadViews<C>& x,
                   const fl_tensor& lse, BackwardScratch<C>& w, bool first) {
  const Sizes& z = a.z;
  const int64_t rows = even_part(z.t, kBackRows);
  for (int64_t j0 = 0; j0 < z.s; j0 += kBackKeys) {
    const int64_t width = std::min(kBackKeys, z.s - j0);
    bool started = !first;
    for (int64_t t0 = 0; t0 < z.t; t0 += rows) {
      const int64_t m = std::min(rows, z.t - t0);
      const int64_t n = std::min(width, a.keys(t0 + m - 1) - j0);
      if (n <= 0) continue;
      small_product<C>(m, n, z.d, x.q.at(t0, 0), w.keys + j0 * z.d, 0, w.p, kBackStride,
                       false);
      small_product<C>(m, n, z.dv, x.g.at(t0, 0), w.values + j0 * z.dv, 0, w.ds,
                       kBackStride, false);
      block_weights(a, b, h, t0, m, j0, n, lse, w);
      // Keys that only other blocks see keep what they have: zeros are set beforehand.
      const bool add = started || n < width;
      if (!started && n < width) {
        std::fill_n(w.dv + j0 * z.dv, width * z.dv, C(0));
        std::fill_n(w.dk + j0 * z.d, width * z.d, C(0));
      }
      small_product<C>(n, z.dv, m, {w.p, 1, kBackStride}, x.g.at(t0, 0).data, x.g.rs,
                       w.dv + j0 * z.dv, z.dv, add);
      small_product<C>(n, z.d, m, {w.ds, 1, kBackStride}, x.q.at(t0, 0).data, x.q.rs,
                       w.dk + j0 * z.d, z.d, add);
      small_product<C>(m, z.d, n, {w.ds, kBackStride, 1}, x.k.at(j0, 0).data, x.k.rs,
                       w.dq + t0 * z.d, z.d, j0 > 0);
      started = true;
    }
    if (!started) {
      std::fill_n(w.dv + j0 * z.dv, width * z.dv, C(0));
      std::fill_n(w.dk + j0 * z.d, width * z.d, C(0));
    }
  }
}

template <class T>
void write_head(const Compute<T>* from, Head<T> to, int64_t rows, int64_t cols) {
  using C = Compute<T>;
  for (int64_t i = 0; i < rows; ++i, from += cols) {
    T* row = to.data + i * to.rs;
    if (to.cs == 1)
      for_lanes<C>(cols, [&](int64_t j, int k) {
        store_row(row + j, load_first(from + j, k), k);
      });
    else
      for (int64_t j = 0; j < cols; ++j) row[j * to.cs] = write<T>(from[j]);
  }
}

template <class T>
void row_deltas(Head<const T> g, Head<const T> out, int64_t t, int64_t dv,
                Compute<T>* delta) {
  using C = Compute<T>;
  for (int64_t i = 0; i < t; ++i) {
    const T *x = g.data + i * g.rs, *y = out.data + i * out.rs;
    if (g.cs == 1 && out.cs == 1) {
      Vec<C> s = {};
      for_lanes<C>(
          dv, [&](int64_t j, int k) { s += load_row(x + j, k) * load_row(y + j, k); });
      delta[i] = sum_lanes<C>(s);
      continue;
    }
    delta[i] = 0;
    for (int64_t j = 0; j < dv; ++j)
      delta[i] += C(read(x[j * g.cs])) * C(read(y[j * out.cs]));
  }
}

template <class T>
fl_status backward_as(const fl_call* call) {
  using C = Compute<T>;
  const fl_tensor &g = call->in[0], &q = call->in[1], &k = call->in[2],
                  &v = call->in[3];
  const fl_tensor &out = call->in[4], &lse = call->in[5];
  const Setting a = {sizes_of(q, k, v), input(call, 6), call->attr[0].v.f,
                     call->attr[1].v.i != 0};
  const Sizes& z = a.z;
  bool ok = true;
  parallel_for(z.b * z.hk, 1, [&](int64_t begin, int64_t end) {
    BackwardScratch<C> w(z);
    if (!w.ok) return __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / z.hk, hk = i % z.hk;
      HeadViews<C> x;
      x.k = rows_of<T>(head_of<const T>(k, b, hk), z.s, z.d, w.copy_k);
      pack_keys(x.k, z.s, z.d, w.keys);
      pack_keys(rows_of<T>(head_of<const T>(v, b, hk), z.s, z.dv, w.copy_v), z.s, z.dv,
                w.values);
      for (int64_t r = 0; r < z.group(); ++r) {
        const int64_t h = hk * z.group() + r;
        x.q = rows_of<T>(head_of<const T>(q, b, h), z.t, z.d, w.copy_q);
        x.g = rows_of<T>(head_of<const T>(g, b, h), z.t, z.dv, w.copy_g);
        row_deltas<T>(head_of<const T>(g, b, h), head_of<const T>(out, b, h), z.t, z.dv,
                      w.delta);
        if (z.s == 0) std::fill_n(w.dq, z.t * z.d, C(0));
        backward_head(a, b, h, x, lse, w, r == 0);
        write_head<T>(w.dq, head_of<T>(call->out[0], b, h), z.t, z.d);
      }
      write_head<T>(w.dk, head_of<T>(call->out[1], b, hk), z.s, z.d);
      write_head<T>(w.dv, head_of<T>(call->out[2], b, hk), z.s, z.dv);
    }
  });
  return ok ? FL_OK : fail(call, kNoMemory, FL_OUT_OF_MEMORY);
}

fl_status attention(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) {
    return forward_as<typename decltype(type)::type>(call);
  });
}
fl_status attention_backward(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) {
    return backward_as<typename decltype(type)::type>(call);
  });
}

}  // namespace

FL_FAMILY(attention, {"attention", attention, kFloats},
          {"attention_backward", attention_backward, kFloats});

}  // namespace FL_ISA
