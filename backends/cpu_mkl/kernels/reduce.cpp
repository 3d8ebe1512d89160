// Reductions that fold elements: sum, product, extremes, norms, any and all.
#include <cmath>
#include <limits>

#include "fold.h"

namespace FL_ISA {
namespace {

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
struct Smallest : Plain {
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    const V smaller = a < b ? a : b;
    if constexpr (std::is_floating_point_v<Lane<V>>) return a != a ? a : smaller;
    return smaller;
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

// ---- anything else, by a scalar function ------------------------------------
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

// ---- norms ------------------------------------------------------------------
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

}  // namespace

FL_FAMILY(reduce, {"sum", sum, kAll}, {"sum_to", sum, kAll}, {"prod", prod, kAll},
          {"mean", mean, kFloats | kComplex}, {"amax", extreme<Largest>, kReal | kBool},
          {"amin", extreme<Smallest>, kReal | kBool}, {"any", truth<Any>, kAll},
          {"all", truth<All>, kAll}, {"norm", norm, kFloats | kComplex});

}  // namespace FL_ISA
