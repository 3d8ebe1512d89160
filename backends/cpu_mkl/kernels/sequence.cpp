// `iota`, `linspace`, `bincount` and `histc`: regular sequences, and counts into bins.

#include <algorithm>
#include <cmath>

#include "elements.h"
#include "registry.h"
#include "threads.h"
#include "walk.h"

namespace FL_ISA {
namespace {

constexpr int64_t kGrain = 32768;

int64_t only_stride(const fl_tensor& t) { return t.ndim == 0 ? 1 : t.strides[0]; }

// A double as an element of T; complex numbers get it as their real part.
template <class T>
T from_double(double x) {
  if constexpr (is_complex_type<T>) {
    return T(static_cast<typename T::value_type>(x));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<int64_t>(x));
  } else {
    return element<T>(x);
  }
}

// Stores value(i) in all of out.
template <class T, class F>
void generate(const fl_tensor& out, F value) {
  T* to = data_of<T>(out);
  const int64_t stride = only_stride(out);
  parallel_for(out.numel, kGrain, [=](int64_t begin, int64_t end) {
    if (stride == 1) {
      for (int64_t i = begin; i < end; i++) to[i] = value(i);
    } else {
      for (int64_t i = begin; i < end; i++) to[i * stride] = value(i);
    }
  });
}

fl_status iota(const fl_call* call) {
  const fl_tensor& out = call->out[0];
  const auto start = call->attr[0].v, step = call->attr[1].v;
  return for_dtype<kAll>(out.dtype, [&]<class T>(Type<T>) {
    if constexpr (std::is_integral_v<T> || std::is_same_v<T, boolean>) {
      const auto first = static_cast<uint64_t>(start.i),
                 by = static_cast<uint64_t>(step.i);
      generate<T>(out, [=](int64_t i) {
        return element<T>(static_cast<int64_t>(first + static_cast<uint64_t>(i) * by));
      });
    } else {
      const double first = start.c[0], by = step.c[0];
      generate<T>(out, [=](int64_t i) {
        return from_double<T>(first + static_cast<double>(i) * by);
      });
    }
    return FL_OK;
  });
}

fl_status linspace(const fl_call* call) {
  const fl_tensor& out = call->out[0];
  const double start = call->attr[0].v.f, end = call->attr[1].v.f;
  const int64_t n = out.numel;
  const double step = n > 1 ? (end - start) / static_cast<double>(n - 1) : 0;
  return for_dtype<kAll>(out.dtype, [&]<class T>(Type<T>) {
    generate<T>(out, [=](int64_t i) {
      return from_double<T>(i < (n + 1) / 2
                                ? start + static_cast<double>(i) * step
                                : end - static_cast<double>(n - 1 - i) * step);
    });
    return FL_OK;
  });
}

// ---- bins ------------------------------------------------------------------------

// Counts in several tables in turn, so that equal neighbours do not wait for each
// other.
constexpr int64_t kTables = 4;
constexpr int64_t kSmallBins = 2048;

// False when a number is no bin; *bad is then the first such.
bool count_bins(const int64_t* x, int64_t stride, int64_t n, int64_t bins, int64_t* out,
                int64_t* bad) {
  const auto limit = static_cast<uint64_t>(bins);
  const auto fits = [&](int64_t v) { return static_cast<uint64_t>(v) < limit; };
  int64_t i = 0;
  if (bins <= kSmallBins && n >= 4 * bins) {
    uint32_t counts[kTables][kSmallBins] = {};
    const int64_t whole = std::min(n, int64_t{UINT32_MAX}) / kTables * kTables;
    for (; i < whole; i += kTables) {
      const int64_t* p = x + i * stride;
      const int64_t a = p[0], b = p[stride], c = p[2 * stride], d = p[3 * stride];
      if (!(fits(a) && fits(b) && fits(c) && fits(d))) break;
      counts[0][a]++;
      counts[1][b]++;
      counts[2][c]++;
      counts[3][d]++;
    }
    for (int64_t b = 0; b < bins; b++) {
      out[b] += int64_t{counts[0][b]} + counts[1][b] + counts[2][b] + counts[3][b];
    }
  }
  for (; i < n; i++) {
    const int64_t v = x[i * stride];
    if (!fits(v)) {
      *bad = v;
      return false;
    }
    out[v]++;
  }
  return true;
}

template <class T>
bool weigh_bins(const fl_tensor& x, const fl_tensor& weights, const fl_tensor& out,
                int64_t* bad) {
  T* to = data_of<T>(out);
  for (int64_t i = 0; i < x.numel; i++) {
    const int64_t v = data_of<const int64_t>(x)[i * only_stride(x)];
    if (static_cast<uint64_t>(v) >= static_cast<uint64_t>(out.numel)) {
      *bad = v;
      return false;
    }
    const T w = data_of<const T>(weights)[i * only_stride(weights)];
    to[v] = narrow<T>(static_cast<Wide<T>>(widen(to[v]) + widen(w)));
  }
  return true;
}

fl_status bincount(const fl_call* call) {
  const fl_tensor &x = call->in[0], &out = call->out[0];
  const bool weighted = call->n_in > 1 && !absent(call->in[1]);
  if (!is_dense(out) || x.dtype != FL_INT64) return FL_UNSUPPORTED;
  if (weighted ? call->in[1].dtype != out.dtype : out.dtype != FL_INT64) {
    return FL_UNSUPPORTED;
  }
  const size_t bytes = static_cast<size_t>(out.numel) * dtype_size(out.dtype);
  if (bytes != 0) std::memset(out.data, 0, bytes);
  int64_t bad = 0;
  bool good = true;
  if (!weighted) {
    good = count_bins(data_of<const int64_t>(x), only_stride(x), x.numel, out.numel,
                      data_of<int64_t>(out), &bad);
  } else {
    const auto status = for_dtype<kAll>(out.dtype, [&]<class T>(Type<T>) {
      good = weigh_bins<T>(x, call->in[1], out, &bad);
      return FL_OK;
    });
    if (status != FL_OK) return status;
  }
  return good ? FL_OK : index_error(call, bad, 0, out.numel);
}

// Numbers outside [lo, hi] and NaN belong to no bin; hi itself to the last one.
template <class T>
void histogram(const fl_tensor& a, double lo, double hi, int64_t bins,
               int64_t* counts) {
  const double scale = static_cast<double>(bins) / (hi - lo);
  Walk walk(a);
  walk.add(a);
  walk.plan(a.strides);
  const int64_t n = walk.inner_size(), stride = walk.inner_stride(0);
  walk.each(0, walk.rows(), [&](const int64_t* at) {
    const T* x = data_of<const T>(a) + at[0];
    for (int64_t i = 0; i < n; i++) {
      const auto v = static_cast<double>(widen(x[i * stride]));
      if (!(v >= lo && v <= hi)) continue;
      counts[std::min(bins - 1, static_cast<int64_t>((v - lo) * scale))]++;
    }
  });
}

fl_status histc(const fl_call* call) {
  const fl_tensor &a = call->in[0], &out = call->out[0];
  const int64_t bins = out.numel;
  if (a.ndim > kMaxDims || bins == 0) return FL_UNSUPPORTED;
  auto* counts = workspace<int64_t>(call, bins);
  if (counts == nullptr) return no_memory(call);
  std::fill_n(counts, bins, 0);
  return for_dtype<kOrdered>(a.dtype, [&]<class T>(Type<T>) {
    if (a.numel > 0) {
      histogram<T>(a, call->attr[0].v.f, call->attr[1].v.f, bins, counts);
    }
    return for_dtype<kReal>(out.dtype, [&]<class U>(Type<U>) {
      for (int64_t b = 0; b < bins; b++) {
        data_of<U>(out)[b * only_stride(out)] = element<U>(counts[b]);
      }
      return FL_OK;
    });
  });
}

}  // namespace

FL_FAMILY(sequence, {"iota", iota, kAll}, {"linspace", linspace, kAll},
          {"bincount", bincount, FL_DTYPE_BIT(FL_INT64)}, {"histc", histc, kOrdered});

}  // namespace FL_ISA
