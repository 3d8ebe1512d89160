// Layer and root-mean-square normalisation, and group normalisation built on the same
// passes over rows.
#include "loops.h"
#include "registry.h"
#include "rows.h"
#include "threads.h"

namespace FL_ISA {
namespace {

constexpr int64_t kElements = 16384;  // worth a thread: some 20 us

int64_t grain_of(int64_t n) {
  return std::max<int64_t>(1, kElements / std::max<int64_t>(n, 1));
}

template <class C>
struct Moments {
  C mean, rstd;
};

template <class T>
Moments<Compute<T>> moments(const T* x, int64_t n, double eps) {
  using C = Compute<T>;
  const auto mean_of = [&](int64_t m) {
    const auto get = [&](int64_t i, int w) { return load_row(x + i, w); };
    return sum_lanes<C>(sum_over<C>(m, get)) / C(m);
  };
  const auto sums = [&](C about) {
    return sums_over<C>(n, [&](int64_t i, int w) -> Pair<C> {
      const Vec<C> d = keep_first<C>(load_row(x + i, w) - about, w);
      return {d, d * d};
    });
  };
  const C guess = mean_of(std::min<int64_t>(n, 4 * kLanes<C>));
  const auto [mean, squares] =
      spread_of<C>(double(n), guess, sums, [&] { return mean_of(n); });
  return {mean, C(1) / std::sqrt(C(squares / double(n)) + C(eps))};
}

// Whether a result of this size goes past the caches, and how it does.
template <class T>
bool goes_past(const fl_tensor* t) {
  return !kIsHalf<T> && t && t->numel * int64_t(sizeof(T)) >= kStreamBytes;
}
template <class T>
FL_INLINE void put_row(bool past, T* p, Vec<Compute<T>> v, int n) {
  if constexpr (!kIsHalf<T>) {
    if (n == kLanes<T>) return store_past(past, p, v);
  }
  store_row(p, v, n);
}

template <class T>
fl_status layer_norm_as(const fl_call* call) {
  using C = Compute<T>;
  const int64_t m = call->in[0].sizes[0], n = call->in[0].sizes[1];
  bool ok = true;
  const C* w = parameter<C>(input(call, 1), scratch::kWork, &ok);
  const C* b = parameter<C>(input(call, 2), scratch::kWork2, &ok);
  if (!ok) return fail(call, "layer_norm: no memory", FL_OUT_OF_MEMORY);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const double eps = call->attr[0].v.f;
  const bool past = goes_past<T>(&call->out[0]);
  parallel_for(m, grain_of(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* from = x + r * n;
      T* to = y + r * n;
      const auto [mean, rstd] = moments(from, n, eps);
      for_lanes<C>(n, [&](int64_t i, int k) {
        __builtin_prefetch(from + n + i);  // the next row; past the end it does nothing
        Vec<C> v = (load_row(from + i, k) - mean) * rstd;
        if (w) v *= load_first(w + i, k);
        if (b) v += load_first(b + i, k);
        put_row(past, to + i, v, k);
      });
      put_at(call->out[1], r, mean);
      put_at(call->out[2], r, rstd);
    }
    if (past) stream_fence();
  });
  return FL_OK;
}

template <class T>
fl_status rms_norm_as(const fl_call* call) {
  using C = Compute<T>;
  const int64_t m = call->in[0].sizes[0], n = call->in[0].sizes[1];
  bool ok = true;
  const C* w = parameter<C>(input(call, 1), scratch::kWork, &ok);
  if (!ok) return fail(call, "rms_norm: no memory", FL_OUT_OF_MEMORY);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const C eps = C(call->attr[0].v.f);
  const bool past = goes_past<T>(&call->out[0]);
  parallel_for(m, grain_of(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* from = x + r * n;
      const Vec<C> s = sum_over<C>(n, [&](int64_t i, int k) {
        const Vec<C> v = load_row(from + i, k);
        return v * v;
      });
      const C rstd = C(1) / std::sqrt(sum_lanes<C>(s) / C(n) + eps);
      for_lanes<C>(n, [&](int64_t i, int k) {
        __builtin_prefetch(from + n + i);
        Vec<C> v = load_row(from + i, k) * rstd;
        if (w) v *= load_first(w + i, k);
        put_row(past, y + r * n + i, v, k);
      });
      put_at(call->out[1], r, rstd);
    }
    if (past) stream_fence();
  });
  return FL_OK;
}

// What the gradients of both norms share: rows in chunks whose number does not depend
// on the threads, each with its own sums for dw and db, added up in order afterwards.
template <class C>
struct ParameterSums {
  int64_t n, chunk, chunks;
  C* data = nullptr;  // [chunks][2][n]

  ParameterSums(const fl_call* call, int64_t m, int64_t width, bool wanted) : n(width) {
    chunk = std::max<int64_t>(grain_of(n), ceil_div_of(m, 128));
    chunks = ceil_div_of(m, chunk);
    if (!wanted || m == 0) return;
    const size_t bytes = size_t(2 * n * chunks) * sizeof(C);
    data = static_cast<C*>(call->host->workspace(call, bytes));
    if (data) std::memset(data, 0, bytes);
  }
  static int64_t ceil_div_of(int64_t a, int64_t b) { return (a + b - 1) / b; }
  C* weight(int64_t c) const { return data ? data + c * 2 * n : nullptr; }
  C* bias(int64_t c) const { return data ? weight(c) + n : nullptr; }

  void finish(const fl_tensor* dw, const fl_tensor* db) const {
    for (int64_t c = 1; data && c < chunks; ++c)
      for_lanes<C>(2 * n, [&](int64_t i, int k) {
        store_first(data + i, load_first(data + i, k) + load_first(weight(c) + i, k),
                    k);
      });
    for (int64_t i = 0; i < n; ++i) {
      if (dw) put_at(*dw, i, data ? data[i] : C(0));
      if (db) put_at(*db, i, data ? data[n + i] : C(0));
    }
  }
};

// One row of the gradient: dx = rstd (gw - mean(gw) - xh mean(gw xh)); with `centre`
// off, as for rms_norm, without the mean.
template <class T, bool Centre>
void row_gradient(int64_t n, const T* g, const T* x, Compute<T> mean, Compute<T> rstd,
                  const Compute<T>* w, T* dx, Compute<T>* dw, Compute<T>* db,
                  bool past) {
  using C = Compute<T>;
  const Pair<C> sums = sums_over<C>(n, [&](int64_t i, int k) -> Pair<C> {
    const Vec<C> gv = load_row(g + i, k);
    const Vec<C> xh = (load_row(x + i, k) - mean) * rstd;  // g is 0 beyond the end
    const Vec<C> gw = w ? gv * load_first(w + i, k) : gv;
    if (dw) store_first(dw + i, load_first(dw + i, k) + gv * xh, k);
    if (dw && Centre) store_first(db + i, load_first(db + i, k) + gv, k);
    return {gw, gw * xh};
  });
  if (!dx) return;
  const C a = Centre ? sum_lanes<C>(sums.a) / C(n) : C(0),
          b = sum_lanes<C>(sums.b) / C(n);
  for_lanes<C>(n, [&](int64_t i, int k) {
    __builtin_prefetch(g + n + i);  // the next row; past the end it does nothing
    __builtin_prefetch(x + n + i);
    const Vec<C> gv = load_row(g + i, k);
    const Vec<C> xh = (load_row(x + i, k) - mean) * rstd;
    const Vec<C> gw = w ? gv * load_first(w + i, k) : gv;
    put_row(past, dx + i, (gw - a - xh * b) * rstd, k);
  });
}

template <class T, bool Centre>
fl_status norm_backward_as(const fl_call* call) {
  using C = Compute<T>;
  const int64_t m = call->in[1].sizes[0], n = call->in[1].sizes[1];
  const T *g = data_of<T>(call->in[0]), *x = data_of<T>(call->in[1]);
  const fl_tensor& rstd = call->in[Centre ? 3 : 2];
  bool ok = true;
  const C* w = parameter<C>(input(call, Centre ? 4 : 3), scratch::kWork, &ok);
  T* dx = data_of<T>(output(call, 0));
  const fl_tensor *dw = output(call, 1), *db = Centre ? output(call, 2) : nullptr;
  const ParameterSums<C> sums(call, m, n, dw || db);
  const bool past = goes_past<T>(output(call, 0));
  if (!ok || ((dw || db) && m > 0 && !sums.data))
    return fail(call, "norm: no memory", FL_OUT_OF_MEMORY);
  parallel_for(sums.chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c)
      for (int64_t r = c * sums.chunk; r < std::min(m, (c + 1) * sums.chunk); ++r)
        row_gradient<T, Centre>(n, g + r * n, x + r * n,
                                Centre ? value_at<C>(call->in[2], r) : C(0),
                                value_at<C>(rstd, r), w, dx ? dx + r * n : nullptr,
                                sums.weight(c), sums.bias(c), past);
    if (past) stream_fence();
  });
  sums.finish(dw, db);
  return FL_OK;
}

// ---- group_norm: a group is a row of c/groups channels of l values ------------------

struct GroupShape {
  int64_t n, c, l, groups, per;  // per: channels of a group
};
GroupShape group_shape(const fl_tensor& x, int64_t groups) {
  return {x.sizes[0], x.sizes[1], x.sizes[2], groups, x.sizes[1] / groups};
}

template <class T>
fl_status group_norm_as(const fl_call* call) {
  using C = Compute<T>;
  const GroupShape s = group_shape(call->in[0], call->attr[0].v.i);
  bool ok = true;
  const C* w = parameter<C>(input(call, 1), scratch::kWork, &ok);
  const C* b = parameter<C>(input(call, 2), scratch::kWork2, &ok);
  if (!ok) return fail(call, "group_norm: no memory", FL_OUT_OF_MEMORY);
  const T* x = data_of<T>(call->in[0]);
  T* y = data_of<T>(call->out[0]);
  const int64_t row = s.per * s.l;
  const double eps = call->attr[1].v.f;
  parallel_for(s.n * s.groups, grain_of(row), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const auto [mean, rstd] = moments(x + r * row, row, eps);
      for (int64_t j = 0; j < s.per; ++j) {
        const int64_t channel = r % s.groups * s.per + j, at = r * row + j * s.l;
        const C scale = w ? w[channel] * rstd : rstd;
        const C shift = (b ? b[channel] : C(0)) - mean * scale;
        for_lanes<C>(s.l, [&](int64_t i, int k) {
          store_row(y + at + i, load_row(x + at + i, k) * scale + shift, k);
        });
      }
      put_at(call->out[1], r, mean);
      put_at(call->out[2], r, rstd);
    }
  });
  return FL_OK;
}

// Sums of g and g * x over each (sample, channel).
template <class T>
void channel_sums(const GroupShape& s, const T* g, const T* x, Compute<T>* sums) {
  using C = Compute<T>;
  parallel_for(s.n * s.c, grain_of(s.l), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const Pair<C> sum = sums_over<C>(s.l, [&](int64_t i, int k) -> Pair<C> {
        const Vec<C> gv = load_row(g + r * s.l + i, k);
        return {gv, gv * load_row(x + r * s.l + i, k)};
      });
      sums[2 * r] = sum_lanes<C>(sum.a);
      sums[2 * r + 1] = sum_lanes<C>(sum.b);
    }
  });
}

template <class T>
void group_dx(const fl_call* call, const GroupShape& s, const Compute<T>* sums,
              const Compute<T>* w) {
  using C = Compute<T>;
  const T *g = data_of<T>(call->in[0]), *x = data_of<T>(call->in[1]);
  T* dx = data_of<T>(call->out[0]);
  const C count = C(s.per * s.l);
  parallel_for(s.n * s.groups, grain_of(s.per * s.l), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const C mean = value_at<C>(call->in[2], r), rstd = value_at<C>(call->in[3], r);
      C a = 0, b = 0;
      for (int64_t j = 0; j < s.per; ++j) {
        const C weight = w ? w[r % s.groups * s.per + j] : C(1);
        a += weight * sums[2 * (r * s.per + j)];
        b += weight * sums[2 * (r * s.per + j) + 1];
      }
      const C along = (b - mean * a) * rstd * rstd / count;  // of x - mean
      for (int64_t j = 0; j < s.per; ++j) {
        const C weight = w ? w[r % s.groups * s.per + j] : C(1);
        const int64_t at = (r * s.per + j) * s.l;
        for_lanes<C>(s.l, [&](int64_t i, int k) {
          const Vec<C> d = load_row(x + at + i, k) - mean;
          store_row(dx + at + i,
                    (load_row(g + at + i, k) * weight - a / count - d * along) * rstd,
                    k);
        });
      }
    }
  });
}

template <class T>
fl_status group_norm_backward_as(const fl_call* call) {
  using C = Compute<T>;
  const GroupShape s = group_shape(call->in[1], call->attr[0].v.i);
  bool ok = true;
  const C* w = parameter<C>(input(call, 4), scratch::kWork, &ok);
  C* sums = static_cast<C*>(
      call->host->workspace(call, size_t(2 * s.n * s.c + 1) * sizeof(C)));
  if (!sums || !ok) return fail(call, "group_norm: no memory", FL_OUT_OF_MEMORY);
  channel_sums(s, data_of<T>(call->in[0]), data_of<T>(call->in[1]), sums);
  if (output(call, 0)) group_dx<T>(call, s, sums, w);
  const fl_tensor *dw = output(call, 1), *db = output(call, 2);
  for (int64_t channel = 0; (dw || db) && channel < s.c; ++channel) {
    C a = 0, b = 0;
    for (int64_t i = 0; i < s.n; ++i) {
      const int64_t group = i * s.groups + channel / s.per;
      const C* sum = sums + 2 * (i * s.c + channel);
      a += (sum[1] - sum[0] * value_at<C>(call->in[2], group)) *
           value_at<C>(call->in[3], group);
      b += sum[0];
    }
    if (dw) put_at(*dw, channel, a);
    if (db) put_at(*db, channel, b);
  }
  return FL_OK;
}

#define FL_NORM(name, body)                                       \
  fl_status name(const fl_call* call) {                           \
    return for_dtype<kFloats>(call->in[0].dtype, [&](auto type) { \
      using T = typename decltype(type)::type;                    \
      return body(call);                                          \
    });                                                           \
  }
FL_NORM(layer_norm, layer_norm_as<T>)
FL_NORM(layer_norm_backward, (norm_backward_as<T, true>))
FL_NORM(rms_norm, rms_norm_as<T>)
FL_NORM(rms_norm_backward, (norm_backward_as<T, false>))
FL_NORM(group_norm, group_norm_as<T>)
FL_NORM(group_norm_backward, group_norm_backward_as<T>)
#undef FL_NORM

}  // namespace

FL_FAMILY(norm, {"layer_norm", layer_norm, kFloats},
          {"layer_norm_backward", layer_norm_backward, kFloats},
          {"rms_norm", rms_norm, kFloats},
          {"rms_norm_backward", rms_norm_backward, kFloats},
          {"group_norm", group_norm, kFloats},
          {"group_norm_backward", group_norm_backward, kFloats});

}  // namespace FL_ISA
