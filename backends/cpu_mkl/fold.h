// Folds for the engine of reductions: Map(x) joined by an associative operation.
#pragma once

#include <limits>

#include "reduce.h"

namespace FL_ISA {

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
// The processor's maximum gives the second where either is NaN: the first is all that
// is left to look at.
struct Largest : Plain {
  template <class V>
  static FL_INLINE V combine(V a, V b) {
    const V larger = a > b ? a : b;
    if constexpr (std::is_floating_point_v<Lane<V>>) return a != a ? a : larger;
    return larger;
  }
  template <class L>
  static constexpr L neutral() {
    return lowest<L>();
  }
};

}  // namespace FL_ISA
