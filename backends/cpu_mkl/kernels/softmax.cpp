// Softmax and its logarithm along one dimension, with their gradients: a line is read
// once from memory and worked on in the cache.
#include <cmath>

#include "lines.h"
#include "rows.h"
#include "vecmath.h"

namespace FL_ISA {
namespace {

template <class T>
struct Line {
  using V = Vec<T>;
  static constexpr int N = lanes_of<V>;

  // Writes f(i, n) for vectors of the line, past the caches if so wanted.
  template <class F>
  static FL_INLINE void fill(T* out, int64_t n, bool past, F f) {
    int64_t i = 0;
    if (past) {
      i = std::min(head_of(out), n);
      if (i > 0) store_first(out, f(0, static_cast<int>(i)), static_cast<int>(i));
      for (; i + N <= n; i += N) store_past(true, out + i, f(i, N));
    }
#pragma GCC unroll 2
    for (; i + N <= n; i += N) store(out + i, f(i, N));
    if (i < n)
      store_first(out + i, f(i, static_cast<int>(n - i)), static_cast<int>(n - i));
  }
  // Elements before the next address of whole vectors.
  static int64_t head_of(const T* p) {
    return static_cast<int64_t>((-reinterpret_cast<uintptr_t>(p)) & (sizeof(V) - 1)) /
           static_cast<int64_t>(sizeof(T));
  }

  // The sum of f(i, n), whose lanes past n are 0.
  template <class F>
  static FL_INLINE T total(int64_t n, F&& f) {
    return sum_lanes<T>(sum_over<T>(n, f));
  }

  // The next line, while this one keeps the processor busy. Past the end of an operand
  // it does nothing.
  static FL_INLINE void prefetch(const T* x) { __builtin_prefetch(x); }

  // `work` holds a line in the cache; it may be `out`.
  static void softmax(T* out, T* work, const T* x, int64_t n, bool past) {
    const T max = largest_number(x, n);
    const T sum = total(n, [&](int64_t i, int k) {
      prefetch(x + n + i);
      const V e = keep_first<T>(exp_nonpositive<T>(load_first(x + i, k) - max), k);
      store_first(work + i, e, k);
      return e;
    });
    const T scale = 1 / sum;
    fill(out, n, past,
         [&](int64_t i, int k) { return load_first(work + i, k) * scale; });
  }

  static void log_softmax(T* out, T*, const T* x, int64_t n, bool past) {
    const T max = largest_number(x, n);
    const T sum = total(n, [&](int64_t i, int k) {
      prefetch(x + n + i);
      return keep_first<T>(exp_nonpositive<T>(load_first(x + i, k) - max), k);
    });
    const T log = std::log(sum);
    fill(out, n, past,
         [&](int64_t i, int k) { return (load_first(x + i, k) - max) - log; });
  }

  static void softmax_backward(T* out, const T* g, const T* y, int64_t n, bool past) {
    const T sum = total(n, [&](int64_t i, int k) {
      return load_first(g + i, k) * load_first(y + i, k);
    });
    fill(out, n, past, [&](int64_t i, int k) {
      return (load_first(g + i, k) - sum) * load_first(y + i, k);
    });
  }

  static void log_softmax_backward(T* out, const T* g, const T* y, int64_t n,
                                   bool past) {
    const T sum = total(n, [&](int64_t i, int k) { return load_first(g + i, k); });
    fill(out, n, past, [&](int64_t i, int k) {
      return load_first(g + i, k) - vexp(load_first(y + i, k)) * sum;
    });
  }
};

// f(out, work, in, past) for each line; large results go past the caches.
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
    const bool past = std::is_same_v<S, T> && out.ndim > 0 && out.strides[dim] == 1 &&
                      out.numel * int64_t(sizeof(T)) >= kStreamBytes && bytes >= 1024 &&
                      bytes <= (1 << 18);
    const fl_status status = all.run(1.0f, [&](char* const* p) {
      auto* to = reinterpret_cast<T*>(p[0]);
      T* work = past ? scratch::array<T>(scratch::kRows, n) : nullptr;
      const T* in[2] = {reinterpret_cast<const T*>(p[1]),
                        call->n_in > 1 ? reinterpret_cast<const T*>(p[2]) : nullptr};
      f(to, work != nullptr ? work : to, in, n, work != nullptr);
    });
    if (past) stream_fence();
    return status;
  });
}

template <class T>
using LineOf = Line<std::remove_const_t<std::remove_pointer_t<T>>>;

fl_status softmax(const fl_call* call) {
  return lines(call, [](auto* out, auto* work, auto* const* in, int64_t n, bool past) {
    LineOf<decltype(out)>::softmax(out, work, in[0], n, past);
  });
}
fl_status log_softmax(const fl_call* call) {
  return lines(call, [](auto* out, auto* work, auto* const* in, int64_t n, bool past) {
    LineOf<decltype(out)>::log_softmax(out, work, in[0], n, past);
  });
}
fl_status softmax_backward(const fl_call* call) {
  return lines(call, [](auto* out, auto*, auto* const* in, int64_t n, bool past) {
    LineOf<decltype(out)>::softmax_backward(out, in[0], in[1], n, past);
  });
}
fl_status log_softmax_backward(const fl_call* call) {
  return lines(call, [](auto* out, auto*, auto* const* in, int64_t n, bool past) {
    LineOf<decltype(out)>::log_softmax_backward(out, in[0], in[1], n, past);
  });
}

}  // namespace

FL_FAMILY(softmax, {"softmax", softmax, kFloats}, {"log_softmax", log_softmax, kFloats},
          {"softmax_backward", softmax_backward, kFloats},
          {"log_softmax_backward", log_softmax_backward, kFloats});

}  // namespace FL_ISA
