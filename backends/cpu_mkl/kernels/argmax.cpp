// Where the largest and smallest elements along one dimension are: the first of equals,
// and NaN before all.
#include <limits>

#include "lines.h"
#include "reduce.h"

namespace FL_ISA {
namespace {

// The extreme of a block, NaN left aside; and whether there is one.
template <class T>
struct Extreme {
  T value;
  bool nan;
};

template <bool kMax, class T>
Extreme<T> block_extreme(const T* x, int64_t n) {
  using V = Vec<T>;
  constexpr int N = lanes_of<V>;
  const auto better = [](auto a, auto b) { return (kMax ? b > a : b < a) ? b : a; };
  V m[4];
  Mask<V> nan[2] = {};
  for (V& v : m) v = V{} + x[0];
  if (x[0] != x[0]) return {x[0], true};
  const auto take = [&](int k, V v) {
    m[k] = better(m[k], v);
    if constexpr (std::is_floating_point_v<T>) nan[k % 2] |= v != v;
  };
  int64_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
    // The next block, or row; past the end it does nothing.
    for (int k = 0; k < 4 * kWidth; k += 64)
      __builtin_prefetch(reinterpret_cast<const char*>(x + n + i) + k);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) take(k, load<V>(x + i + k * N));
  }
  for (; i + N <= n; i += N) take(0, load<V>(x + i));
  if (i < n) take(1, load_padded<V>(x + i, static_cast<int>(n - i)));
  const V all = better(better(m[0], m[1]), better(m[2], m[3]));
  return {fold_lanes(better, all), any_lane(nan[0] | nan[1])};
}

template <class T>
struct Found {
  T value;
  int64_t at;
};

// The first of n elements that is `value`; the first NaN where that is what is sought.
template <class T>
Found<T> first_of(const T* x, int64_t n, T value, bool nan) {
  using V = Vec<T>;
  constexpr int N = lanes_of<V>;
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    const V v = load<V>(x + i);
    if (any_lane(nan ? v != v : v == value)) break;
  }
  for (; i < n; ++i) {
    if (nan ? x[i] != x[i] : x[i] == value) return {x[i], i};
  }
  return {value, 0};
}

// Finds the best block first, and looks for the place only in there.
template <bool kMax, class T>
Found<T> find(const T* x, int64_t n) {
  constexpr int64_t block = 2048;
  T best = x[0];
  int64_t start = 0;
  bool nan = false;
  for (int64_t i = 0; i < n && !nan; i += block) {
    const auto found = block_extreme<kMax>(x + i, std::min(block, n - i));
    nan = found.nan;
    if (nan || (kMax ? found.value > best : found.value < best)) {
      best = found.value;
      start = i;
    }
  }
  const Found<T> place = first_of(x + start, std::min(block, n - start), best, nan);
  return {place.value, start + place.at};
}

// Lines side by side: for each column the best so far and its row. A few rows are taken
// in before what was found goes back to memory.
template <bool kMax, class T>
void find_columns(const T* x, int64_t ld, int64_t n, int64_t cols, T* best,
                  int64_t* at) {
  using V = Vec<T>;
  using M = Mask<V>;
  constexpr int N = lanes_of<V>;
  constexpr int kRows = 8;
  alignas(64) Lane<M> rows[kColumns] = {};
  std::copy_n(x, cols, best);
  const auto take = [&](int64_t first, auto count) {
    each_vector<N>(cols, [&](int64_t j, int k) {
      V b = load<V>(best + j);
      M where = load<M>(rows + j);
      for (int i = 0; i < count; ++i) {
        const V v = load_upto<V>(x + (first + i) * ld + j, k);
        M better = kMax ? v > b : v < b;
        if constexpr (std::is_floating_point_v<T>)
          better = ~(kMax ? v <= b : v >= b) & (b == b);
        b = better ? v : b;
        where = better ? M{} + static_cast<Lane<M>>(first + i) : where;
      }
      store(best + j, b);
      store(rows + j, where);
    });
  };
  int64_t r = 1;
  for (; r + kRows <= n; r += kRows) take(r, std::integral_constant<int, kRows>{});
  for (; r < n; ++r) take(r, std::integral_constant<int, 1>{});
  for (int64_t j = 0; j < cols; ++j) at[j] = rows[j];
}

struct Outputs {
  const fl_tensor* values;  // or null
  const fl_tensor* indices;
};

Outputs outputs(const fl_call* call) {
  if (call->n_out == 1) return {nullptr, &call->out[0]};
  return {&call->out[0], &call->out[1]};
}

// A matrix searched down its columns; false when the layout is another one.
template <bool kMax, class T>
bool by_columns(const fl_call* call, int dim) {
  const fl_tensor& in = call->in[0];
  const Outputs out = outputs(call);
  const int last = in.ndim - 1;
  // Row numbers are kept in lanes of T's size.
  const int64_t most = std::numeric_limits<Lane<Mask<Vec<T>>>>::max();
  if (in.ndim < 2 || dim == last || in.strides[last] != 1 || in.sizes[dim] > most) {
    return false;
  }
  const int64_t cols = in.sizes[last], n = in.sizes[dim];
  if (cols < 16) return false;
  const int64_t width = kColumns - 64, blocks = (cols + width - 1) / width;
  parallel_for(
      in.numel / (cols * n) * blocks, std::max<int64_t>(1, 100000 / (n * width)),
      [&](int64_t b, int64_t e) {
        alignas(64) T best[kColumns];
        int64_t at[kColumns];
        for (int64_t i = b; i < e; ++i) {
          const int64_t c = i % blocks * width, count = std::min(width, cols - c);
          int64_t from = c, value = 0, index = 0, rest = i / blocks;
          for (int d = last - 1; d >= 0; --d) {
            if (d == dim) continue;
            const int64_t k = rest % in.sizes[d];
            rest /= in.sizes[d];
            from += k * in.strides[d];
            index += k * out.indices->strides[d];
            if (out.values != nullptr) value += k * out.values->strides[d];
          }
          find_columns<kMax>(static_cast<const T*>(in.data) + from, in.strides[dim], n,
                             count, best, at);
          for (int64_t j = 0; j < count; ++j) {
            static_cast<int64_t*>(
                out.indices->data)[index + (c + j) * out.indices->strides[last]] =
                at[j];
            if (out.values == nullptr) continue;
            static_cast<T*>(
                out.values->data)[value + (c + j) * out.values->strides[last]] =
                best[j];
          }
        }
      });
  return true;
}

template <bool kMax>
fl_status search(const fl_call* call) {
  const fl_tensor& in = call->in[0];
  if (in.numel == 0) return FL_OK;
  const int dim = in.ndim == 0 ? 0 : static_cast<int>(call->attr[0].v.i);
  return for_dtype<kReal | kBool>(in.dtype, [&](auto t) {
    using Stored = typename decltype(t)::type;
    using S = Compute<Stored>;
    using T = std::conditional_t<std::is_same_v<S, boolean>, uint8_t, S>;
    if constexpr (std::is_same_v<Stored, S>) {
      if (by_columns<kMax, T>(call, dim)) return FL_OK;
    }
    Lines lines(call, dim);
    const bool both = call->n_out == 2;
    return lines.run(0.3f, [&](char* const* p) {
      const auto* x = reinterpret_cast<const T*>(p[both ? 2 : 1]);
      const Found<T> found = find<kMax>(x, lines.length());
      std::memcpy(p[both ? 1 : 0], &found.at, sizeof(int64_t));
      if (both && lines.length() == 1) {
        std::memcpy(p[0], x, sizeof(T));
      } else if (both) {
        store_number(in.dtype, p[0], found.value);
      }
    });
  });
}

}  // namespace

FL_FAMILY(argmax, {"argmax", search<true>, kReal | kBool},
          {"argmin", search<false>, kReal | kBool},
          {"max_dim", search<true>, kReal | kBool},
          {"min_dim", search<false>, kReal | kBool});

}  // namespace FL_ISA
