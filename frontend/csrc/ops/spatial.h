// Arguments of ops over one to three spatial dimensions: [n, c, *spatial].
#pragma once

#include "ops/common.h"

namespace fl {

// One number stands for all dimensions.
inline Dims per_dim(const char* op, const char* name, IntList given, int64_t n) {
  check(given.size() == 1 || static_cast<int64_t>(given.size()) == n, op, ": expected ",
        name, " to be a single integer value or a list of ", n, " values, got ",
        to_string(given));
  Dims d;
  for (int64_t i = 0; i < n; ++i) d.push(given[given.size() == 1 ? 0 : i]);
  return d;
}

inline void check_positive(const char* op, const char* name, const Dims& d) {
  for (int i = 0; i < d.n; ++i) {
    check(d[i] > 0, op, ": ", name, " should be greater than zero, but got ",
          to_string(d));
  }
}
inline void check_not_negative(const char* op, const char* name, const Dims& d) {
  for (int i = 0; i < d.n; ++i) {
    check(d[i] >= 0, op, ": negative ", name, " is not supported, got ", to_string(d));
  }
}

// Adds the batch dimension that an input of n + 1 dimensions lacks.
inline bool is_batched(const char* op, const Tensor& input, int64_t n) {
  check(input.dim() == n + 1 || input.dim() == n + 2, op, ": expected ", n + 1,
        "D (unbatched) or ", n + 2, "D (batched) input, but got ", describe(input));
  return input.dim() == n + 2;
}
inline Tensor with_batch(const Tensor& input, bool batched) {
  return batched ? input : ops::unsqueeze(input, 0);
}
inline Tensor without_batch(const Tensor& out, bool batched) {
  return batched ? out : ops::squeeze(out, 0);
}

}  // namespace fl
