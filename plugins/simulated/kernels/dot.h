// Sums of products of two strided rows: the inner loop of matrix products and
// convolutions.
#pragma once

#include "kernels/functors.h"

namespace simulated {

// What sums are made in: wider than the elements, so that the order of terms hardly
// matters.
template <class C>
struct SumOf {
  using type = C;
};
template <>
struct SumOf<bool> {
  using type = int64_t;
};
template <>
struct SumOf<float> {
  using type = double;
};
template <>
struct SumOf<Complex64> {
  using type = Complex128;
};

// The dtype whose elements lie in memory as they are computed.
template <class C>
inline constexpr int kPlainDtype = std::is_same_v<C, float>       ? FL_FLOAT32
                                   : std::is_same_v<C, double>    ? FL_FLOAT64
                                   : std::is_same_v<C, int64_t>   ? FL_INT64
                                   : std::is_same_v<C, Complex64> ? FL_COMPLEX64
                                                                  : FL_COMPLEX128;

// Where a row begins, and how far its elements are apart.
struct Row {
  int64_t start, step;
};

template <class A, class At>
__device__ A sum_of_products(int64_t n, const At& at) {
  A sum[4] = {};  // four chains of additions, which do not wait for each other
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int k = 0; k < 4; ++k) sum[k] = Add{}(sum[k], at(i + k));
  }
  for (; i < n; ++i) sum[0] = Add{}(sum[0], at(i));
  return Add{}(Add{}(sum[0], sum[1]), Add{}(sum[2], sum[3]));
}

template <class C>
__device__ typename SumOf<C>::type dot_rows(const View& x, Row a, const View& y, Row b,
                                            int64_t n) {
  using A = typename SumOf<C>::type;
  if (x.dtype == kPlainDtype<C>) {
    const C* p = static_cast<const C*>(x.data) + a.start;
    const C* q = static_cast<const C*>(y.data) + b.start;
    return sum_of_products<A>(n, [=](int64_t i) {
      return Mul{}(static_cast<A>(p[i * a.step]), static_cast<A>(q[i * b.step]));
    });
  }
  return sum_of_products<A>(n, [&](int64_t i) {
    return Mul{}(static_cast<A>(x.get<C>(a.start + i * a.step)),
                 static_cast<A>(y.get<C>(b.start + i * b.step)));
  });
}

}  // namespace simulated
