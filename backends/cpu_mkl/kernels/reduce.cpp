// Reductions: folds of a mapped element (sum, product, extremes, norms, any and all),
// variance, and log-sum-exp. See Note [Reductions].
#include "reduce.h"

#include <cmath>
#include <limits>

namespace FL_ISA {
namespace {

// ---- folds
// -------------------------------------------------------------------------------

// What a fold keeps between blocks: double for sums of float.
template <class L, bool kSum>
using Kept = std::conditional_t<kSum && std::is_same_v<L, float>, double, L>;

// Folds Map(x) by Combine; Finish makes the result of what was kept. Kind has
//   map(v), combine(v, w), neutral<L>(), finish(kept), kSum.
template <class T, class Kind>
struct Fold {
  using In = T;
  using V = Vec<T>;
  using A = decltype(Kind::map(V{}));
  using L = Lane<A>;
  using State = Kept<L, Kind::kSum>;
  static constexpr int N = lanes_of<V>;
  static constexpr float kNs = 0.1f;

  Kind kind;
  int dtype;  // of the output

  static FL_INLINE A neutral() { return A{} + Kind::template neutral<L>(); }
  static FL_INLINE A join(A a, A b) { return Kind::combine(a, b); }
  FL_INLINE A get(const T* x) const { return kind.map(load<V>(x)); }

  State init() const { return static_cast<State>(Kind::template neutral<L>()); }

  void merge(State& a, const State& b) const {
    using W = Vec<State, 16 / sizeof(State)>;
    a = Kind::combine(W{} + a, W{} + b)[0];
  }

  FL_INLINE A tail(const T* x, int64_t n) const {
    const A v = kind.map(load_some<V>(x, static_cast<int>(n)));
    return first_lanes<A>(n) ? v : neutral();
  }

  L block(const T* x, int64_t n) const {
    A total = neutral();
    int64_t i = 0;
    if (n >= 8 * N) {
      A a[8];
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k) a[k] = get(x + k * N);
      for (i = 8 * N; i + 8 * N <= n; i += 8 * N) {
#pragma GCC unroll 8
        for (int k = 0; k < 8; ++k) a[k] = join(a[k], get(x + i + k * N));
      }
      total = join(join(join(a[0], a[4]), join(a[1], a[5])),
                   join(join(a[2], a[6]), join(a[3], a[7])));
    }
    for (; i + N <= n; i += N) total = join(total, get(x + i));
    if (i < n) total = join(total, tail(x + i, n - i));
    return fold_lanes([](auto p, auto q) { return Kind::combine(p, q); }, total);
  }

  void row(State& s, const T* x, int64_t n) const {
    for (int64_t i = 0; i < n; i += kFoldBlock) {
      merge(s, static_cast<State>(block(x + i, std::min<int64_t>(kFoldBlock, n - i))));
    }
  }

  void columns(State* s, const T* x, int64_t ld, int64_t rows, int64_t cols) const {
    alignas(64) L part[kColumns];
    each_vector<N>(cols, [&](int64_t j, int n) {
      A a = kind.map(load_upto<V>(x + j, n));
      store(part + j, a);
    });
    int64_t r = 1;
    for (; r + 4 <= rows; r += 4) {
      const T* p = x + r * ld;
      each_vector<N>(cols, [&](int64_t j, int n) {
        const A low = join(kind.map(load_upto<V>(p + j, n)),
                           kind.map(load_upto<V>(p + ld + j, n)));
        const A high = join(kind.map(load_upto<V>(p + 2 * ld + j, n)),
                            kind.map(load_upto<V>(p + 3 * ld + j, n)));
        store(part + j, join(load<A>(part + j), join(low, high)));
      });
    }
    for (; r < rows; ++r) {
      each_vector<N>(cols, [&](int64_t j, int n) {
        const A v = kind.map(load_upto<V>(x + r * ld + j, n));
        store(part + j, join(load<A>(part + j), v));
      });
    }
    for (int64_t j = 0; j < cols; ++j) merge(s[j], static_cast<State>(part[j]));
  }

  void write(const State& s, char* const* out) const {
    store_number(dtype, out[0], kind.template finish<T>(s));
  }
};

template <class L>
constexpr L lowest() {
  if constexpr (std::is_floating_point_v<L>) return -std::numeric_limits<L>::infinity();
  return std::numeric_limits<L>::lowest();
}
template <class L>
constexpr L highest() {
  if constexpr (std::is_floating_point_v<L>) return std::numeric_limits<L>::infinity();
  return std::numeric_limits<L>::max();
}

struct Plain {
  static constexpr bool kSum = false;
  template <class V>
  static FL_INLINE V map(V x) {
    return x;
  }
  template <class T, class S>
  T finish(S s) const {
    return static_cast<T>(s);
  }
};
struct Added : Plain {
  static constexpr bool kSum = true;
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    return a + b;
  }
  template <class L>
  static constexpr L neutral() {
    return 0;
  }
};
struct Sum : Added {};
struct Mean : Added {
  double count;
  template <class T, class S>
  T finish(S s) const {
    return static_cast<T>(static_cast<double>(s) / count);
  }
};
struct Product : Plain {
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    return a * b;
  }
  template <class L>
  static constexpr L neutral() {
    return 1;
  }
};
struct Largest : Plain {
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    return max_nan(a, b);
  }
  template <class L>
  static constexpr L neutral() {
    return lowest<L>();
  }
};
struct Smallest : Plain {
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    return min_nan(a, b);
  }
  template <class L>
  static constexpr L neutral() {
    return highest<L>();
  }
};
struct Any : Plain {
  template <class V>
  static FL_INLINE auto map(V x) {
    return x != 0;
  }
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    return a | b;
  }
  template <class L>
  static constexpr L neutral() {
    return 0;
  }
  template <class T, class S>
  uint8_t finish(S s) const {
    return s != 0;
  }
};
struct All : Any {
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    return a & b;
  }
  template <class L>
  static constexpr L neutral() {
    return -1;
  }
};

// Norms of real numbers.
struct Norm1 : Added {
  template <class V>
  static FL_INLINE V map(V x) {
    return abs_of(x);
  }
};
struct Norm2 : Added {
  template <class V>
  static FL_INLINE V map(V x) {
    return x * x;
  }
  template <class T, class S>
  T finish(S s) const {
    return static_cast<T>(std::sqrt(s));
  }
};
struct NormLargest : Largest {
  template <class V>
  static FL_INLINE V map(V x) {
    return abs_of(x);
  }
  template <class L>
  static constexpr L neutral() {
    return 0;
  }
};
template <uint32_t Set, class Kind>
fl_status fold(const fl_call* call, Kind kind = {}) {
  return for_dtype<Set>(call->in[0].dtype, [&](auto t) {
    using S = Compute<typename decltype(t)::type>;
    using T = std::conditional_t<std::is_same_v<S, boolean>, uint8_t, S>;
    Reducer<Fold<T, Kind>>(call, {kind, call->out[0].dtype}).run();
    return FL_OK;
  });
}

template <class Kind>
fl_status extreme(const fl_call* call) {
  return fold<kReal | kBool, Kind>(call);
}

// ---- anything else, by a scalar function
// ---------------------------------------------------

// step(state, element) and finish(state), with merge(a, b); for complex numbers and
// general powers.
template <class T, class S, class Step, class Merge, class Finish>
struct Scalars {
  using In = T;
  using State = S;
  static constexpr float kNs = 2.0f;
  S start;
  Step step;
  Merge join;
  Finish finish;
  int dtype;

  S init() const { return start; }
  void merge(S& a, const S& b) const { a = join(a, b); }
  void row(S& s, const T* x, int64_t n) const {
    S part = start;
    for (int64_t i = 0; i < n; ++i) part = step(part, x[i]);
    s = join(s, part);
  }
  void columns(S* s, const T* x, int64_t ld, int64_t rows, int64_t cols) const {
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < cols; ++j) s[j] = step(s[j], x[r * ld + j]);
    }
  }
  void write(const S& s, char* const* out) const {
    store_number(dtype, out[0], finish(s));
  }
};

template <class T, class S, class Step, class Merge, class Finish>
fl_status scalars(const fl_call* call, S start, Step step, Merge merge, Finish finish) {
  Reducer<Scalars<T, S, Step, Merge, Finish>>(
      call, {start, step, merge, finish, call->out[0].dtype})
      .run();
  return FL_OK;
}

double count_reduced(const fl_call* call) {
  const fl_tensor& out = call->out[0];
  double count = 1;
  for (int d = 0; d < out.ndim; ++d) {
    if (out.strides[d] == 0) count *= static_cast<double>(out.sizes[d]);
  }
  return count;
}

template <class F>
fl_status for_complex(const fl_call* call, F&& f) {
  return for_dtype<kComplex>(call->in[0].dtype, f);
}

bool is_complex_call(const fl_call* call) {
  return ((kComplex >> call->in[0].dtype) & 1) != 0;
}

constexpr auto plus = [](auto a, auto b) { return a + b; };
constexpr auto times = [](auto a, auto b) { return a * b; };

fl_status sum_complex(const fl_call* call, double divisor) {
  return for_complex(call, [&](auto t) {
    using T = typename decltype(t)::type;
    using S = complex128;
    return scalars<T, S>(
        call, S(0), [](S s, T x) { return s + S(x); }, plus,
        [divisor](S s) { return T(s / divisor); });
  });
}

fl_status sum(const fl_call* call) {
  if (is_complex_call(call)) return sum_complex(call, 1);
  return fold<kReal | kBool, Sum>(call);
}

fl_status mean(const fl_call* call) {
  const double count = count_reduced(call);
  if (is_complex_call(call)) return sum_complex(call, count);
  return fold<kFloats, Mean>(call, Mean{{}, count});
}

fl_status prod(const fl_call* call) {
  if (!is_complex_call(call)) return fold<kReal | kBool, Product>(call);
  return for_complex(call, [&](auto t) {
    using T = typename decltype(t)::type;
    return scalars<T, T>(call, T(1), times, times, [](T s) { return s; });
  });
}

// Which elements are not zero, as bytes.
template <class S>
void to_truth(uint8_t* dst, const void* src, int64_t n) {
  const auto* x = static_cast<const S*>(src);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_same_v<S, float16> || std::is_same_v<S, bfloat16>) {
      dst[i] = (x[i].bits & 0x7fff) != 0;
    } else if constexpr (std::is_same_v<S, boolean>) {
      dst[i] = x[i].value != 0;
    } else {
      dst[i] = x[i] != S(0);
    }
  }
}

template <class Kind>
fl_status truth(const fl_call* call) {
  return for_dtype<kAll>(call->in[0].dtype, [&](auto t) {
    using S = typename decltype(t)::type;
    const bool bytes = sizeof(S) == 1;
    Reducer<Fold<uint8_t, Kind>>(call, {{}, FL_BOOL}, bytes ? nullptr : to_truth<S>)
        .run();
    return FL_OK;
  });
}

// ---- norms
// -----------------------------------------------------------------------------------

template <class T>
fl_status norm_general(const fl_call* call, double p) {
  using R = Real<T>;
  const auto size = [](T x) { return static_cast<double>(std::abs(x)); };
  const auto give = [](double s) { return static_cast<R>(s); };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto larger = [](double a, double b) { return a > b || a != a ? a : b; };
  const auto smaller = [](double a, double b) { return a < b || a != a ? a : b; };
  if (p == infinity) {
    return scalars<T, double>(
        call, 0.0, [=](double s, T x) { return larger(s, size(x)); }, larger, give);
  }
  if (p == -infinity) {
    return scalars<T, double>(
        call, infinity, [=](double s, T x) { return smaller(s, size(x)); }, smaller,
        give);
  }
  if (p == 0) {
    return scalars<T, double>(
        call, 0.0, [](double s, T x) { return s + (x != T(0)); }, plus, give);
  }
  if (p == 2) {
    return scalars<T, double>(
        call, 0.0, [=](double s, T x) { return s + size(x) * size(x); }, plus,
        [=](double s) { return give(std::sqrt(s)); });
  }
  return scalars<T, double>(
      call, 0.0, [=](double s, T x) { return s + std::pow(size(x), p); }, plus,
      [=](double s) { return give(std::pow(s, 1 / p)); });
}

fl_status norm(const fl_call* call) {
  const double p = call->attr[0].v.f;
  const bool real = !is_complex_call(call);
  if (real && p == 2) return fold<kFloats, Norm2>(call);
  if (real && p == 1) return fold<kFloats, Norm1>(call);
  if (real && std::isinf(p) && p > 0) return fold<kFloats, NormLargest>(call);
  return for_dtype<kFloats | kComplex>(call->in[0].dtype, [&](auto t) {
    return norm_general<Compute<typename decltype(t)::type>>(call, p);
  });
}

// ---- variance
// --------------------------------------------------------------------------------

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

// Blocks of a few thousand elements are read twice, out of the first-level cache: once
// for their mean, once for the squares about it. Blocks are merged in double.
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

  void row(Moments& s, const T* x, int64_t n) const {
    const Fold<T, Sum> sum{{}, 0};
    for (int64_t i = 0; i < n; i += kFoldBlock) {
      const int64_t m = std::min<int64_t>(kFoldBlock, n - i);
      const T mean = sum.block(x + i, m) / static_cast<T>(m);
      // The rounded mean is a little off: the sum of deviations puts it right.
      V square[4] = {}, off[4] = {};
      int64_t j = 0;
      for (; j + 4 * N <= m; j += 4 * N) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
          const V d = load<V>(x + i + j + k * N) - mean;
          square[k] += d * d;
          off[k] += d;
        }
      }
      for (; j < m; j += N) {
        const int64_t left = std::min<int64_t>(N, m - j);
        const V raw = load_upto<V>(x + i + j, static_cast<int>(left)) - mean;
        const V d = first_lanes<V>(left) ? raw : V{};
        square[0] += d * d;
        off[0] += d;
      }
      const auto add = [](auto a, auto b) { return a + b; };
      const double m2 =
          fold_lanes(add, (square[0] + square[1]) + (square[2] + square[3]));
      const double shift = fold_lanes(add, (off[0] + off[1]) + (off[2] + off[3])) /
                           static_cast<double>(m);
      merge_moments(s, {double(m), mean + shift, m2 - shift * shift * double(m)});
    }
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

// ---- log-sum-exp
// ------------------------------------------------------------------------------

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

FL_FAMILY(reduce, {"sum", sum, kAll}, {"sum_to", sum, kAll}, {"prod", prod, kAll},
          {"mean", mean, kFloats | kComplex}, {"amax", extreme<Largest>, kReal | kBool},
          {"amin", extreme<Smallest>, kReal | kBool}, {"any", truth<Any>, kAll},
          {"all", truth<All>, kAll}, {"norm", norm, kFloats | kComplex},
          {"var", variance<false>, kFloats | kComplex},
          {"var_mean", variance<true>, kFloats | kComplex},
          {"logsumexp", logsumexp, kFloats});

}  // namespace FL_ISA
