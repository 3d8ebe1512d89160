// Variance with the mean, and log-sum-exp: reductions whose state is more than one
// number.
#include <cmath>
#include <limits>

#include "fold.h"

namespace FL_ISA {
namespace {

struct Moments {
  double count, mean, m2;
};

FL_INLINE void merge_moments(Moments& a, const Moments& b) {
  if (b.count == 0) return;
  const double n = a.count + b.count, delta = b.mean - a.mean;
  a.mean += delta * (b.count / n);
  a.m2 += b.m2 + delta * delta * (a.count * b.count / n);
  a.count = n;
}

// Blocks of a few thousand elements are summed about a number near their mean; where
// that was a bad guess, once more about the mean itself, out of the first-level cache.
// Blocks are merged in double.
template <class T>
struct Variance {
  using In = T;
  using State = Moments;
  using V = Vec<T>;
  static constexpr int N = lanes_of<V>;
  static constexpr float kNs = 0.2f;
  double correction;
  bool root, with_mean;
  int dtype;

  Moments init() const { return {0, 0, 0}; }
  void merge(Moments& a, const Moments& b) const { merge_moments(a, b); }

  // Sums of x - about and of its square.
  struct Deviations {
    double off, square;
  };
  static Deviations deviations(const T* x, int64_t n, T about) {
    V square[4] = {}, off[4] = {};
    int64_t j = 0;
    for (; j + 4 * N <= n; j += 4 * N) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) {
        const V d = load<V>(x + j + k * N) - about;
        square[k] += d * d;
        off[k] += d;
      }
    }
    for (; j < n; j += N) {
      const int64_t left = std::min<int64_t>(N, n - j);
      const V raw = load_upto<V>(x + j, static_cast<int>(left)) - about;
      const V d = first_lanes<V>(left) ? raw : V{};
      square[0] += d * d;
      off[0] += d;
    }
    const auto add = [](auto a, auto b) { return a + b; };
    return {fold_lanes(add, (off[0] + off[1]) + (off[2] + off[3])),
            fold_lanes(add, (square[0] + square[1]) + (square[2] + square[3]))};
  }

  // The mean so far, or that of the first few.
  static T guess(const Moments& s, const T* x) {
    if (s.count > 0) return static_cast<T>(s.mean);
    V sum = load<V>(x);
    for (int k = 1; k < 4; ++k) sum += load<V>(x + k * N);
    return fold_lanes([](auto a, auto b) { return a + b; }, sum) / T(4 * N);
  }

  static void take_block(Moments& s, const T* x, int64_t n) {
    const bool guessed = n >= 32 * N;
    const auto mean = [&] {
      return Fold<T, Sum>{{}, 0}.block(x, n) / static_cast<T>(n);
    };
    T about = guessed ? guess(s, x) : mean();
    Deviations d = deviations(x, n, about);
    // The smaller the difference below against its first term, the more is cancelled.
    if (guessed && d.off * d.off > 0.5 * d.square * double(n)) {
      about = mean();
      d = deviations(x, n, about);
    }
    // The rounded mean, too, is a little off: the sum of deviations puts it right.
    const double shift = d.off / double(n);
    merge_moments(s, {double(n), about + shift, d.square - shift * d.off});
  }

  void row(Moments& s, const T* x, int64_t n) const {
    for (int64_t i = 0; i < n; i += kFoldBlock)
      take_block(s, x + i, std::min<int64_t>(kFoldBlock, n - i));
  }

  void columns(Moments* s, const T* x, int64_t ld, int64_t rows, int64_t cols) const {
    const T scale = T(1) / static_cast<T>(rows);
    each_vector<N>(cols, [&](int64_t j, int n) {
      V total = {};
      for (int64_t r = 0; r < rows; ++r) total += load_upto<V>(x + r * ld + j, n);
      const V mean = total * scale;
      V square = {}, off = {};
      for (int64_t r = 0; r < rows; ++r) {
        const V d = load_upto<V>(x + r * ld + j, n) - mean;
        square += d * d;
        off += d;
      }
      for (int k = 0; k < n; ++k) {
        const double shift = double(off[k]) / double(rows);
        merge_moments(s[j + k], {double(rows), mean[k] + shift,
                                 square[k] - shift * shift * double(rows)});
      }
    });
  }

  void write(const Moments& s, char* const* out) const {
    const double divisor = s.count - correction;
    double v = s.count == 0 ? std::numeric_limits<double>::quiet_NaN()
                            : s.m2 / std::max(divisor, 0.0);
    if (root) v = std::sqrt(v);
    store_number(dtype, out[0], static_cast<T>(v));
    if (!with_mean) return;
    const double mean =
        s.count == 0 ? std::numeric_limits<double>::quiet_NaN() : s.mean;
    store_number(dtype, out[1], static_cast<T>(mean));
  }
};

// The variance of complex numbers is that of their parts, added.
struct ComplexMoments {
  Moments re, im;
};
template <class T>
struct ComplexVariance {
  using In = std::complex<T>;
  using State = ComplexMoments;
  static constexpr float kNs = 4.0f;
  double correction;
  bool root, with_mean;

  State init() const { return {{0, 0, 0}, {0, 0, 0}}; }
  void merge(State& a, const State& b) const {
    merge_moments(a.re, b.re);
    merge_moments(a.im, b.im);
  }
  static void step(State& s, In x) {
    merge_moments(s.re, {1, x.real(), 0});
    merge_moments(s.im, {1, x.imag(), 0});
  }
  void row(State& s, const In* x, int64_t n) const {
    for (int64_t i = 0; i < n; ++i) step(s, x[i]);
  }
  void columns(State* s, const In* x, int64_t ld, int64_t rows, int64_t cols) const {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < cols; ++j) step(s[j], x[r * ld + j]);
    }
  }
  void write(const State& s, char* const* out) const {
    double v = (s.re.m2 + s.im.m2) / std::max(s.re.count - correction, 0.0);
    if (root) v = std::sqrt(v);
    const T real = static_cast<T>(v);
    std::memcpy(out[0], &real, sizeof(T));
    if (!with_mean) return;
    const In mean(static_cast<T>(s.re.mean), static_cast<T>(s.im.mean));
    std::memcpy(out[1], &mean, sizeof(mean));
  }
};

template <bool kMean>
fl_status variance(const fl_call* call) {
  const double correction = call->attr[0].v.f;
  const bool root = call->attr[1].v.i != 0;
  return for_dtype<kFloats | kComplex>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    if constexpr (is_complex<T>) {
      // The two outputs differ in dtype, which the geometry does not provide for.
      if (kMean) return FL_UNSUPPORTED;
      Reducer<ComplexVariance<Real<T>>>(call, {correction, root, false}).run();
    } else {
      Reducer<Variance<T>>(call, {correction, root, kMean, call->out[0].dtype}).run();
    }
    return FL_OK;
  });
}

// ---- log-sum-exp ------------------------------------------------------------
template <class T>
struct LogSum {
  T max;
  double sum;  // of exp(x - max)
};

template <class T>
struct LogSumExp {
  using In = T;
  using State = LogSum<T>;
  using V = Vec<T>;
  static constexpr int N = lanes_of<V>;
  static constexpr float kNs = 0.5f;
  int dtype;

  State init() const { return {-std::numeric_limits<T>::infinity(), 0}; }
  // Infinities are not subtracted from each other.
  static T shift(T max) { return std::isinf(max) ? T(0) : max; }

  void merge(State& a, const State& b) const {
    const T max = a.max > b.max || a.max != a.max ? a.max : b.max;
    const double base = shift(max);
    a.sum =
        a.sum * std::exp(shift(a.max) - base) + b.sum * std::exp(shift(b.max) - base);
    a.max = max;
  }

  void row(State& s, const T* x, int64_t n) const {
    const Fold<T, Largest> largest{{}, 0};
    for (int64_t i = 0; i < n; i += kFoldBlock) {
      const int64_t m = std::min<int64_t>(kFoldBlock, n - i);
      const T max = largest.block(x + i, m), base = shift(max);
      V total = {};
      each_vector<N>(m, [&](int64_t j, int k) {
        const V e = vexp(load_upto<V>(x + i + j, k) - base);
        total += k == N ? e : (first_lanes<V>(k) ? e : V{});
      });
      merge(s, {max, double(fold_lanes([](auto a, auto b) { return a + b; }, total))});
    }
  }

  void columns(State* s, const T* x, int64_t ld, int64_t rows, int64_t cols) const {
    each_vector<N>(cols, [&](int64_t j, int n) {
      V max = load_upto<V>(x + j, n);
      for (int64_t r = 1; r < rows; ++r)
        max = max_nan(max, load_upto<V>(x + r * ld + j, n));
      const V base = abs_of(max) == kInf<V> ? V{} : max;
      V total = {};
      for (int64_t r = 0; r < rows; ++r) {
        total += vexp(load_upto<V>(x + r * ld + j, n) - base);
      }
      for (int k = 0; k < n; ++k) merge(s[j + k], {max[k], double(total[k])});
    });
  }

  void write(const State& s, char* const* out) const {
    store_number(dtype, out[0], static_cast<T>(std::log(s.sum) + shift(s.max)));
  }
};

fl_status logsumexp(const fl_call* call) {
  return for_dtype<kFloats>(call->in[0].dtype, [&](auto t) {
    using T = Compute<typename decltype(t)::type>;
    Reducer<LogSumExp<T>>(call, {call->out[0].dtype}).run();
    return FL_OK;
  });
}

}  // namespace

FL_FAMILY(moments, {"var", variance<false>, kFloats | kComplex},
          {"var_mean", variance<true>, kFloats | kComplex},
          {"logsumexp", logsumexp, kFloats});

}  // namespace FL_ISA
