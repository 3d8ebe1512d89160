// Access to elements or rows at addresses that tensors of indices tell: computing and
// checking the addresses.
#pragma once

#include <algorithm>
#include <atomic>

#include "elements.h"
#include "simd.h"
#include "threads.h"
#include "walk.h"

namespace FL_ISA::inline data_kernels {

// Note [Indexed access]
// The kernels walk operands of one shape: the moved elements, the indexed tensor with
// stride 0 along its indexed dimensions, and one tensor of indices for each of these.
// The indexed address is the walked one plus Σ index·stride. Where the indices do not
// change along the innermost dimension a whole row moves at once; else the offsets of a
// block are computed and checked by vectors, then used. Where one tensor of indices is
// read as it lies, its indices are checked a few at a time and used at once: a pass
// over them less.
constexpr int64_t kIndexBlock = 256;

// The indexed dimensions, and the first index found to be out of range.
struct Indexed {
  int count;
  bool wraps;  // negative indices count from the end
  const int64_t* sizes;
  const int64_t* strides;
  const int64_t* data[kWalkOperands];
  std::atomic<bool> failed{false};
  int64_t bad_index = 0;
  int bad = 0;

  int64_t wrapped(int k, int64_t i) const { return wraps && i < 0 ? i + sizes[k] : i; }

  bool outside(int k, int64_t i) const {
    return static_cast<uint64_t>(i) >= static_cast<uint64_t>(sizes[k]);
  }

  void report(int k, int64_t index) {
    if (!failed.exchange(true)) {
      bad_index = index;
      bad = k;
    }
  }

  // The offset of a row; false when an index is out of range.
  bool row(const int64_t* at, int64_t* offset) {
    *offset = 0;
    for (int k = 0; k < count; k++) {
      const int64_t i = wrapped(k, data[k][at[k]]);
      if (outside(k, i)) {
        report(k, data[k][at[k]]);
        return false;
      }
      *offset += i * strides[k];
    }
    return true;
  }

  // Calls use(j, offset) for the n elements whose one index is p[j], or for several at
  // once use.several<N>(j, indices, stride) where there is one; false, and an error
  // told, when one is out of range.
  template <class F>
  bool each(const int64_t* p, int64_t n, F use) {
    return strides[0] == 1 ? each(p, n, std::integral_constant<int64_t, 1>(), use)
                           : each(p, n, strides[0], use);
  }

  template <class Stride, class F>
  bool each(const int64_t* p, int64_t n, Stride stride, F use) {
    using V = Vec<int64_t>;
    constexpr int N = lanes_of<V>, kAtOnce = N < 4 ? 4 : 8;
    const V last = splat<V>(sizes[0] - 1);
    int64_t j = 0;
    for (; j + kAtOnce <= n; j += kAtOnce) {
      // In range, neither an index nor what is left after it has the sign bit set.
      V signs = {};
#pragma GCC unroll 8
      for (int k = 0; k < kAtOnce; k += N) {
        const V i = load<V>(p + j + k);
        signs |= i | (last - i);
      }
      if (any_lane(signs < 0)) {
        if (!each_checked(p, j, j + kAtOnce, use)) return false;
        continue;
      }
      if constexpr (requires { use.template several<kAtOnce>(j, p + j, stride); }) {
        use.template several<kAtOnce>(j, p + j, stride);
      } else {
#pragma GCC unroll 8
        for (int k = 0; k < kAtOnce; k++) use(j + k, p[j + k] * stride);
      }
    }
    return each_checked(p, j, n, use);
  }

  // The offsets of n <= kIndexBlock elements, computed in `offsets`; nullptr when one
  // is out of range.
  const int64_t* block(const int64_t* at, const int64_t* steps, int64_t n,
                       int64_t* offsets) {
    for (int k = 0; k < count; k++) {
      const int64_t* p = data[k] + at[k];
      const bool bad_one =
          steps[k] == 1 ? fill(k, p, 1, n, offsets) : fill(k, p, steps[k], n, offsets);
      if (!bad_one) continue;
      for (int64_t j = 0; j < n; j++) {
        const int64_t i = p[j * steps[k]];
        if (outside(k, wrapped(k, i))) {
          report(k, i);
          return nullptr;
        }
      }
    }
    return offsets;
  }

 private:
  template <class F>
  bool each_checked(const int64_t* p, int64_t j, int64_t end, const F& use) {
    for (; j < end; j++) {
      const int64_t i = wrapped(0, p[j]);
      if (outside(0, i)) {
        report(0, p[j]);
        return false;
      }
      use(j, i * strides[0]);
    }
    return true;
  }

  // True when something is out of range.
  [[gnu::always_inline]] bool fill(int k, const int64_t* p, int64_t step, int64_t n,
                                   int64_t* __restrict offsets) const {
    const int64_t size = sizes[k], stride = strides[k], add = wraps ? size : 0;
    uint64_t bad_bits = 0;
    for (int64_t j = 0; j < n; j++) {
      int64_t i = p[j * step];
      i += i < 0 ? add : 0;
      bad_bits |= static_cast<uint64_t>(i) >= static_cast<uint64_t>(size);
      offsets[j] = (k == 0 ? 0 : offsets[j]) + i * stride;
    }
    return bad_bits != 0;
  }
};

// Fetches the beginning of a row into the caches.
inline void prefetch_row(const void* row, int64_t bytes, int64_t most = 2048) {
  const char* p = static_cast<const char*>(row);
  for (int64_t i = 0; i < bytes && i < most; i += 64) __builtin_prefetch(p + i);
}

// Rows [begin, end) of a walk whose one index (operand `first`) changes by row only:
// those to come are fetched ahead, since no processor guesses where they are.
template <class Row, class Fetch>
void visit_ahead(const Walk& walk, int first, Indexed& indexed, int64_t begin,
                 int64_t end, Row&& row, Fetch&& fetch) {
  constexpr int64_t kAhead = 3;
  const int64_t step = walk.outer_stride(first), last = end - 1;
  const int64_t* p = indexed.data[0] + begin * step;
  walk.each(begin, end, [&](const int64_t* at) {
    const int64_t next = p[std::min(kAhead, last - begin) * step];
    const int64_t i = indexed.wrapped(0, next);
    if (!indexed.outside(0, i)) fetch(i * indexed.strides[0]);
    int64_t offset;
    if (indexed.row(at + first, &offset)) row(at, offset);
    p += step;
    begin++;
  });
}

// Runs row(base offsets, offset) or block(base offsets, j, n, offsets) over all of a
// walk whose operands from `first` on are the indices; fetch(offset) is told of rows to
// come. With `by_element`, elements(base offsets, begin) gives what may take the place
// of block: a function of j - begin and one offset.
template <bool kParallel, class Row, class Elements, class Block, class Fetch>
void visit(const Walk& walk, int first, Indexed& indexed, bool by_element, Row&& row,
           Elements&& elements, Block&& block, Fetch&& fetch) {
  const int64_t n = walk.inner_size(), rows = walk.rows();
  int64_t steps[kWalkOperands];
  bool whole = true;
  for (int k = 0; k < indexed.count; k++) {
    steps[k] = walk.inner_stride(first + k);
    whole = whole && steps[k] == 0;
  }
  const bool direct = by_element && indexed.count == 1 && steps[0] == 1;
  const auto one_row = [&](const int64_t* at, int64_t begin, int64_t end) {
    int64_t offsets[kIndexBlock];
    if (whole) {
      if (indexed.row(at + first, offsets)) row(at, offsets[0]);
      return;
    }
    if (direct) {
      const int64_t* p = indexed.data[0] + at[first] + begin;
      indexed.each(p, end - begin, elements(at, begin));
      return;
    }
    int64_t here[kWalkOperands];
    for (int64_t j = begin; j < end; j += kIndexBlock) {
      const int64_t m = std::min(kIndexBlock, end - j);
      for (int k = 0; k < indexed.count; k++) here[k] = at[first + k] + j * steps[k];
      const int64_t* found = indexed.block(here, steps, m, offsets);
      if (found == nullptr) return;
      block(at, j, m, found);
    }
  };
  const bool ahead = whole && indexed.count == 1 && walk.even_rows() && n > 16;
  const auto some_rows = [&](int64_t begin, int64_t end) {
    if (ahead) return visit_ahead(walk, first, indexed, begin, end, row, fetch);
    walk.each(begin, end, [&](const int64_t* at) { one_row(at, 0, n); });
  };
  if constexpr (kParallel) {
    if (n * rows >= 16384) {
      if (rows == 1 && !whole) {
        return parallel_for(n, 8192, [&](int64_t begin, int64_t end) {
          walk.each(0, 1, [&](const int64_t* at) { one_row(at, begin, end); });
        });
      }
      const int64_t grain = (ahead ? 16384 : 8192) / n;
      return parallel_for(rows, std::max<int64_t>(1, grain), some_rows);
    }
  }
  some_rows(0, rows);
}

}  // namespace FL_ISA::inline data_kernels
