// Running sums, products, extremes and log-sum-exp along one dimension.
#include <cmath>

#include "complex.h"
#include "lines.h"
#include "rows.h"

namespace FL_ISA {
namespace {

struct Plus {
  template <class V>
  FL_INLINE V operator()(V a, V b) const {
    return a + b;
  }
  static constexpr int neutral = 0;
};
struct Times {
  template <class V>
  FL_INLINE V operator()(V a, V b) const {
    return a * b;
  }
  static constexpr int neutral = 1;
};

// v with lanes moved up by S; the lowest S lanes are the neutral element.
template <int S, class V>
FL_INLINE V moved_up(V v, V neutral) {
  Mask<V> from;
  for (int i = 0; i < lanes_of<V>; ++i) from[i] = i < S ? lanes_of<V> : i - S;
  return __builtin_shuffle(v, neutral, from);
}

template <int S, class Op, class V>
FL_INLINE V prefix(Op op, V v, V neutral) {
  if constexpr (S < lanes_of<V>) {
    return prefix<S * 2>(op, op(moved_up<S>(v, neutral), v), neutral);
  } else {
    return v;
  }
}

// The running values inside v.
template <class Op, class V>
FL_INLINE V running(Op op, V v, V neutral) {
#if defined(__AVX2__)
  // Sums by shifts of halves, and the lower one's total: what moves lanes across halves
  // takes several times as long.
  if constexpr (std::is_same_v<Op, Plus> && sizeof(V) == 32 && sizeof(Lane<V>) >= 4) {
    constexpr int kHalf = lanes_of<V> / 2;
    if constexpr (sizeof(Lane<V>) == 4) v += V(_mm256_slli_si256(__m256i(v), 4));
    v += V(_mm256_slli_si256(__m256i(v), 8));
    Mask<V> last;
    for (int i = 0; i < lanes_of<V>; ++i) last[i] = i / kHalf * kHalf + kHalf - 1;
    const V totals = __builtin_shuffle(v, last);
    return v + V(_mm256_permute2x128_si256(__m256i(totals), __m256i(totals), 0x08));
  }
#endif
  return prefix<1>(op, v, neutral);
}

// A vector at a time: the running values inside it, then those before it. The result
// goes past the caches if so wanted.
template <class Op, class T>
void scan_line(T* out, const T* x, int64_t n, bool past) {
  const Op op;
  if constexpr (is_complex<T>) {
    T total(Op::neutral);
    for (int64_t i = 0; i < n; ++i) out[i] = total = op(total, x[i]);
  } else {
    using V = Vec<T>;
    constexpr int N = lanes_of<V>;
    const V neutral = V{} + static_cast<T>(Op::neutral);
    V before = neutral;
    int64_t i = 0;
    for (; i + N <= n; i += N) {
      const V v = running(op, load<V>(x + i), neutral);
      const V sum = op(before, v);
      store_past(past, out + i, sum);
      before = op(before, splat<V>(v[N - 1]));
    }
    T total = before[0];
    for (; i < n; ++i) out[i] = total = static_cast<T>(op(total, x[i]));
  }
}

// Lines side by side: each row is the one before it and the operand's row.
template <class Op, class T>
void scan_columns(T* out, int64_t out_ld, const T* x, int64_t in_ld, int64_t n,
                  int64_t cols) {
  std::copy_n(x, cols, out);
  for (int64_t r = 1; r < n; ++r) {
    const T* before = out + (r - 1) * out_ld;
    T* to = out + r * out_ld;
    const T* from = x + r * in_ld;
    for (int64_t j = 0; j < cols; ++j) to[j] = static_cast<T>(Op{}(before[j], from[j]));
  }
}

// True when the call is a matrix scanned down its columns, done here.
template <class Op, class T>
bool by_columns(const fl_call* call, int dim) {
  const fl_tensor &out = call->out[0], &in = call->in[0];
  const int last = out.ndim - 1;
  if (out.ndim < 2 || dim == last || out.strides[last] != 1 || in.strides[last] != 1) {
    return false;
  }
  const int64_t cols = out.sizes[last], n = out.sizes[dim];
  if (cols < 16) return false;
  const int64_t width = std::min<int64_t>(cols, 1024),
                blocks = (cols + width - 1) / width;
  parallel_for(out.numel / (cols * n) * blocks,
               std::max<int64_t>(1, 100000 / (n * width)), [&](int64_t b, int64_t e) {
                 for (int64_t i = b; i < e; ++i) {
                   int64_t to = i % blocks * width, from = to, rest = i / blocks;
                   const int64_t count = std::min(width, cols - to);
                   for (int d = last - 1; d >= 0; --d) {
                     if (d == dim) continue;
                     to += rest % out.sizes[d] * out.strides[d];
                     from += rest % out.sizes[d] * in.strides[d];
                     rest /= out.sizes[d];
                   }
                   scan_columns<Op>(static_cast<T*>(out.data) + to, out.strides[dim],
                                    static_cast<const T*>(in.data) + from,
                                    in.strides[dim], n, count);
                 }
               });
  return true;
}

template <class Op>
fl_status scan(const fl_call* call) {
  if (call->out[0].numel == 0) return FL_OK;
  const int dim = static_cast<int>(call->attr[0].v.i);
  return for_dtype<kReal | kComplex>(call->in[0].dtype, [&](auto t) {
    using S = typename decltype(t)::type;
    using T = Compute<S>;
    if constexpr (std::is_same_v<S, T>) {
      if (by_columns<Op, T>(call, dim)) return FL_OK;
    }
    Lines lines(call, dim);
    const fl_tensor& out = call->out[0];
    const bool past = std::is_same_v<S, T> && out.data != call->in[0].data &&
                      out.ndim > 0 && out.strides[dim] == 1 &&
                      out.numel * int64_t(sizeof(T)) >= kStreamBytes &&
                      lines.length() * int64_t(sizeof(T)) >= 1024;
    const fl_status status = lines.run(0.4f, [&](char* const* p) {
      scan_line<Op>(reinterpret_cast<T*>(p[0]), reinterpret_cast<const T*>(p[1]),
                    lines.length(), past);
    });
    if (past) stream_fence();
    return status;
  });
}

// The running extreme and where it is; the last of equal elements, and NaN stays.
template <bool kMax>
fl_status running_extreme(const fl_call* call) {
  if (call->out[0].numel == 0) return FL_OK;
  const int dim = static_cast<int>(call->attr[0].v.i);
  return for_dtype<kReal | kBool>(call->in[0].dtype, [&](auto t) {
    using S = Compute<typename decltype(t)::type>;
    using T = std::conditional_t<std::is_same_v<S, boolean>, uint8_t, S>;
    Lines lines(call, dim);
    return lines.run(2.0f, [&](char* const* p) {
      auto* values = reinterpret_cast<T*>(p[0]);
      auto* indices = reinterpret_cast<int64_t*>(p[1]);
      const auto* x = reinterpret_cast<const T*>(p[2]);
      T best = x[0];
      int64_t at = 0;
      for (int64_t i = 0; i < lines.length(); ++i) {
        const T v = x[i];
        const bool better = kMax ? v >= best : v <= best;
        if (v != v || (best == best && better)) {
          best = v;
          at = i;
        }
        values[i] = best;
        indices[i] = at;
      }
    });
  });
}

fl_status logcumsumexp(const fl_call* call) {
  if (call->out[0].numel == 0) return FL_OK;
  const int dim = static_cast<int>(call->attr[0].v.i);
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    Lines lines(call, dim);
    return lines.run(20.0f, [&](char* const* p) {
      auto* out = reinterpret_cast<T*>(p[0]);
      const auto* x = reinterpret_cast<const T*>(p[1]);
      double total = -std::numeric_limits<double>::infinity();
      for (int64_t i = 0; i < lines.length(); ++i) {
        const double v = x[i], high = std::fmax(total, v), low = std::fmin(total, v);
        if (v != v || total != total) {
          total = v + total;
        } else if (high != low || std::isfinite(high)) {
          total = high + std::log1p(std::exp(low - high));
        } else {
          total = high;
        }
        out[i] = static_cast<T>(total);
      }
    });
  });
}

}  // namespace

FL_FAMILY(scan, {"cumsum", scan<Plus>, kReal | kComplex},
          {"cumprod", scan<Times>, kReal | kComplex},
          {"cummax", running_extreme<true>, kReal | kBool},
          {"cummin", running_extreme<false>, kReal | kBool},
          {"logcumsumexp", logcumsumexp, kFloats});

}  // namespace FL_ISA
