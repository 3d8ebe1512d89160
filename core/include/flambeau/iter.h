// Iteration planning for kernels of the iterated families: broadcast operands become
// one loop nest with as few dimensions as possible.
#pragma once

#include <cstdint>

#include "flambeau/backend.h"

namespace fl {

inline constexpr int kMaxDims = 64;
inline constexpr int kMaxOperands = 20;

// Operands of one iterated call.  Fill `n`, `ndim`, `sizes` and each operand's strides
// (0 where it is broadcast), then plan() reorders dimensions so that the first operand
// moves fastest innermost, merges what can be merged, and drops sizes of one.
struct IterPlan {
  int n = 0;
  int ndim = 0;
  int64_t sizes[kMaxDims];
  int64_t strides[kMaxOperands][kMaxDims];

  void plan();
  int64_t numel() const;
};

// True when a view of these sizes and strides touches some element more than once.
bool self_overlaps(int ndim, const int64_t* sizes, const int64_t* strides);

}  // namespace fl
