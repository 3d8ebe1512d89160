// Where the largest and smallest elements along one dimension are: the first of equals,
// and NaN before all.
#include <limits>

#include "lines.h"
#include "reduce.h"

namespace FL_ISA {
namespace {

template <bool kMax, class V>
FL_INLINE V extreme(V a, V b) {
  return kMax ? max_nan(a, b) : min_nan(a, b);
}

// The extreme of a block; NaN if there is one.
template <bool kMax, class T>
T block_extreme(const T* x, int64_t n) {
  using V = Vec<T>;
  constexpr int N = lanes_of<V>;
  V m[4];
  for (V& v : m) v = V{} + x[0];
  int64_t i = 0;
  for (; i + 4 * N <= n; i += 4 * N) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) m[k] = extreme<kMax>(m[k], load<V>(x + i + k * N));
  }
  for (; i + N <= n; i += N) m[0] = extreme<kMax>(m[0], load<V>(x + i));
  if (i < n) {
    m[1] = extreme<kMax>(m[1], load_padded<V>(x + i, static_cast<int>(n - i)));
  }
  const V all = extreme<kMax>(extreme<kMax>(m[0], m[1]), extreme<kMax>(m[2], m[3]));
  return fold_lanes([](auto a, auto b) { return extreme<kMax>(a, b); }, all);
}

template <class T>
struct Found {
  T value;
  int64_t at;
};

// Finds the best block first, and looks for the place only in there.
template <bool kMax, class T>
Found<T> find(const T* x, int64_t n) {
  constexpr int64_t block = 2048;
  T best = x[0];
  int64_t start = 0;
  for (int64_t i = 0; i < n && best == best; i += block) {
    const T v = block_extreme<kMax>(x + i, std::min(block, n - i));
    if (v != v || (kMax ? v > best : v < best)) {
      best = v;
      start = i;
    }
  }
  for (int64_t i = start; i < n; ++i) {
    if (x[i] == best || (best != best && x[i] != x[i])) return {x[i], i};
  }
  return {best, start};
}

// Lines side by side: for each column the best so far and its row.
template <bool kMax, class T>
void find_columns(const T* x, int64_t ld, int64_t n, int64_t cols, T* best,
                  int64_t* at) {
  using V = Vec<T>;
  using M = Mask<V>;
  constexpr int N = lanes_of<V>;
  alignas(64) Lane<M> rows[kColumns] = {};
  std::copy_n(x, cols, best);
  for (int64_t r = 1; r < n; ++r) {
    each_vector<N>(cols, [&](int64_t j, int k) {
      const V v = load_upto<V>(x + r * ld + j, k), b = load<V>(best + j);
      const M better = (kMax ? v > b : v < b) | ((v != v) & (b == b));
      store(best + j, better ? v : b);
      store(rows + j, better ? M{} + static_cast<Lane<M>>(r) : load<M>(rows + j));
    });
  }
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
