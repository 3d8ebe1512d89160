// Walks several strided operands of one shape together, row by row along the innermost
// dimension: the loop of gather, scatter and indexing by tensors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "elements.h"

namespace FL_ISA::inline data_kernels {

constexpr int kMaxDims = 64;
constexpr int kWalkOperands = 36;

class Walk {
 public:
  // The sizes are those of `shape`; operands follow by add().
  explicit Walk(const fl_tensor& shape) : dims_(shape.ndim) {
    for (int d = 0; d < dims_; d++) sizes_[d] = shape.sizes[d];
  }

  // Adds an operand; the stride along dimension `fixed` counts as 0.
  void add(const fl_tensor& t, int64_t fixed = -1) {
    const bool scalar = (t.flags & FL_HOST_SCALAR) != 0;
    for (int d = 0; d < dims_; d++) {
      strides_[operands_][d] = scalar || d == fixed ? 0 : t.strides[d];
    }
    operands_++;
  }

  bool fits() const { return dims_ <= kMaxDims && operands_ <= kWalkOperands; }

  // Drops dimensions of size 1, puts those with smaller strides of `order` further
  // inside, and merges neighbours that every operand can take in one step.
  void plan(const int64_t* order) {
    int kept = 0;
    int64_t by[kMaxDims];
    for (int d = 0; d < dims_; d++) {
      if (sizes_[d] == 1) continue;
      by[kept] = order == nullptr ? 0 : std::abs(order[d]);
      move(d, kept++);
    }
    dims_ = kept;
    for (int d = 1; d < dims_; d++) {
      for (int e = d; e > 0 && by[e - 1] < by[e]; e--) {
        std::swap(by[e - 1], by[e]);
        exchange(e - 1, e);
      }
    }
    merge();
    if (dims_ == 0) {
      sizes_[0] = 1;
      for (int k = 0; k < operands_; k++) strides_[k][0] = 0;
      dims_ = 1;
    }
  }

  int64_t inner_size() const { return sizes_[dims_ - 1]; }
  int64_t inner_stride(int operand) const { return strides_[operand][dims_ - 1]; }
  // Whether the rows follow one another at a fixed distance: outer_stride.
  bool even_rows() const { return dims_ <= 2; }
  int64_t outer_stride(int operand) const {
    return dims_ == 2 ? strides_[operand][0] : 0;
  }
  int64_t rows() const {
    int64_t n = 1;
    for (int d = 0; d + 1 < dims_; d++) n *= sizes_[d];
    return n;
  }

  // Calls f(offsets), one offset per operand, for rows [begin, end).
  template <class F>
  void each(int64_t begin, int64_t end, F&& f) const {
    int64_t at[kMaxDims], offsets[kWalkOperands] = {};
    int64_t rest = begin;
    for (int d = dims_ - 2; d >= 0; d--) {
      at[d] = rest % sizes_[d];
      rest /= sizes_[d];
      for (int k = 0; k < operands_; k++) offsets[k] += at[d] * strides_[k][d];
    }
    for (int64_t row = begin; row < end; row++) {
      f(static_cast<const int64_t*>(offsets));
      for (int d = dims_ - 2; d >= 0; d--) {
        const bool wraps = ++at[d] == sizes_[d];
        const int64_t steps = wraps ? 1 - sizes_[d] : 1;
        for (int k = 0; k < operands_; k++) offsets[k] += steps * strides_[k][d];
        if (!wraps) break;
        at[d] = 0;
      }
    }
  }

 private:
  void move(int from, int to) {
    sizes_[to] = sizes_[from];
    for (int k = 0; k < operands_; k++) strides_[k][to] = strides_[k][from];
  }

  void exchange(int a, int b) {
    std::swap(sizes_[a], sizes_[b]);
    for (int k = 0; k < operands_; k++) std::swap(strides_[k][a], strides_[k][b]);
  }

  void merge() {
    int last = 0;
    for (int d = 1; d < dims_; d++) {
      bool together = true;
      for (int k = 0; k < operands_; k++) {
        together = together && strides_[k][last] == strides_[k][d] * sizes_[d];
      }
      if (together) {
        sizes_[d] *= sizes_[last];
        move(d, last);
      } else {
        move(d, ++last);
      }
    }
    dims_ = dims_ == 0 ? 0 : last + 1;
  }

  int dims_, operands_ = 0;
  int64_t sizes_[kMaxDims];
  int64_t strides_[kWalkOperands][kMaxDims];
};

}  // namespace FL_ISA::inline data_kernels
