// Softmax and its logarithm along one dimension, with their gradients: a line is read
// once from memory and worked on in the cache.
#include <cmath>

#include "lines.h"
#include "vecmath.h"

namespace FL_ISA {
namespace {

template <class T>
struct Line {
  using V = Vec<T>;
  static constexpr int N = lanes_of<V>;

  // The largest element; NaN if there is one.
  static T largest(const T* x, int64_t n) {
    V m[4] = {V{} - kInf<V>, V{} - kInf<V>, V{} - kInf<V>, V{} - kInf<V>};
    int64_t i = 0;
    for (; i + 4 * N <= n; i += 4 * N) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) m[k] = max_nan(m[k], load<V>(x + i + k * N));
    }
    for (; i + N <= n; i += N) m[0] = max_nan(m[0], load<V>(x + i));
    if (i < n) m[1] = max_nan(m[1], load_padded<V>(x + i, static_cast<int>(n - i)));
    const V all = max_nan(max_nan(m[0], m[1]), max_nan(m[2], m[3]));
    return fold_lanes([](auto a, auto b) { return max_nan(a, b); }, all);
  }

  // Writes f(i, n) for vectors of the line.
  template <class F>
  static FL_INLINE void fill(T* out, int64_t n, F f) {
    int64_t i = 0;
#pragma GCC unroll 2
    for (; i + N <= n; i += N) store(out + i, f(i, N));
    if (i < n)
      store_some(out + i, f(i, static_cast<int>(n - i)), static_cast<int>(n - i));
  }

  // The sum of f(i, n), whose lanes past n are 0.
  template <class F>
  static FL_INLINE T total(int64_t n, F f) {
    V s[2] = {};
    int64_t i = 0;
    for (; i + 2 * N <= n; i += 2 * N) {
      s[0] += f(i, N);
      s[1] += f(i + N, N);
    }
    if (i + N <= n) {
      s[0] += f(i, N);
      i += N;
    }
    if (i < n) s[1] += f(i, static_cast<int>(n - i));
    return fold_lanes([](auto a, auto b) { return a + b; }, s[0] + s[1]);
  }

  static FL_INLINE V at(const T* x, int n) {
    return n == N ? load<V>(x) : load_some<V>(x, n);
  }

  static FL_INLINE V keep(V v, int n) {
    Mask<V> index;
    for (int i = 0; i < N; ++i) index[i] = i;
    return n == N ? v : (index < static_cast<Lane<Mask<V>>>(n) ? v : V{});
  }

  // The next line, while this one keeps the processor busy. Past the end of an operand
  // it does nothing.
  static FL_INLINE void prefetch(const T* x) {
    if constexpr (sizeof(V) == 64) __builtin_prefetch(x);
  }

  static void softmax(T* out, const T* x, int64_t n) {
    const T max = largest(x, n);
    const T sum = total(n, [&](int64_t i, int k) {
      prefetch(x + n + i);
      const V e = keep(vexp(at(x + i, k) - max), k);
      k == N ? store(out + i, e) : store_some(out + i, e, k);
      return e;
    });
    const T scale = 1 / sum;
    fill(out, n, [&](int64_t i, int k) { return at(out + i, k) * scale; });
  }

  static void log_softmax(T* out, const T* x, int64_t n) {
    const T max = largest(x, n);
    const T sum =
        total(n, [&](int64_t i, int k) { return keep(vexp(at(x + i, k) - max), k); });
    const T log = std::log(sum);
    fill(out, n, [&](int64_t i, int k) { return (at(x + i, k) - max) - log; });
  }

  static void softmax_backward(T* out, const T* g, const T* y, int64_t n) {
    const T sum =
        total(n, [&](int64_t i, int k) { return at(g + i, k) * at(y + i, k); });
    fill(out, n, [&](int64_t i, int k) { return (at(g + i, k) - sum) * at(y + i, k); });
  }

  static void log_softmax_backward(T* out, const T* g, const T* y, int64_t n) {
    const T sum = total(n, [&](int64_t i, int k) { return at(g + i, k); });
    fill(out, n,
         [&](int64_t i, int k) { return at(g + i, k) - vexp(at(y + i, k)) * sum; });
  }
};

// f(out, in) for each line; large results go through a buffer and past the caches.
template <class F>
fl_status lines(const fl_call* call, F&& f) {
  const fl_tensor& out = call->out[0];
  if (out.numel == 0) return FL_OK;
  return for_dtype<kFloats>(out.dtype, [&](auto t) {
    using S = typename decltype(t)::type;
    using T = Compute<S>;
    const int dim = out.ndim == 0 ? 0 : static_cast<int>(call->attr[0].v.i);
    Lines all(call, dim);
    const int64_t n = all.length(), bytes = n * static_cast<int64_t>(sizeof(T));
    const bool stream = std::is_same_v<S, T> && out.ndim > 0 && out.strides[dim] == 1 &&
                        out.numel * int64_t(sizeof(T)) >= kStreamBytes &&
                        bytes >= 1024 && bytes <= (1 << 18);
    const fl_status status = all.run(1.0f, [&](char* const* p) {
      auto* to = reinterpret_cast<T*>(p[0]);
      T* buffer = stream ? scratch::array<T>(scratch::kRows, n) : nullptr;
      const T* in[2] = {reinterpret_cast<const T*>(p[1]),
                        call->n_in > 1 ? reinterpret_cast<const T*>(p[2]) : nullptr};
      f(buffer != nullptr ? buffer : to, in, n);
      if (buffer != nullptr) stream_copy(to, buffer, bytes);
    });
    if (stream) stream_fence();
    return status;
  });
}

template <class T>
using LineOf = Line<std::remove_const_t<std::remove_pointer_t<T>>>;

fl_status softmax(const fl_call* call) {
  return lines(call, [](auto* out, auto* const* in, int64_t n) {
    LineOf<decltype(out)>::softmax(out, in[0], n);
  });
}
fl_status log_softmax(const fl_call* call) {
  return lines(call, [](auto* out, auto* const* in, int64_t n) {
    LineOf<decltype(out)>::log_softmax(out, in[0], n);
  });
}
fl_status softmax_backward(const fl_call* call) {
  return lines(call, [](auto* out, auto* const* in, int64_t n) {
    LineOf<decltype(out)>::softmax_backward(out, in[0], in[1], n);
  });
}
fl_status log_softmax_backward(const fl_call* call) {
  return lines(call, [](auto* out, auto* const* in, int64_t n) {
    LineOf<decltype(out)>::log_softmax_backward(out, in[0], in[1], n);
  });
}

}  // namespace

FL_FAMILY(softmax, {"softmax", softmax, kFloats}, {"log_softmax", log_softmax, kFloats},
          {"softmax_backward", softmax_backward, kFloats},
          {"log_softmax_backward", log_softmax_backward, kFloats});

}  // namespace FL_ISA
