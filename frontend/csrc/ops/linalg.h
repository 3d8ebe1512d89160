// Batches of matrices as the kernels of linear algebra take them: [b, m, n],
// contiguous.
#pragma once

#include "ops/common.h"

namespace fl {

void check_square(const char* op, const Tensor& a);
void check_linalg_dtype(const char* op, const Tensor& a);

struct Batch {
  Tensor data;  // contiguous
  Dims lead;    // the dimensions before the last two
  int64_t n, rows, columns;
  Tensor make(IntList tail, Dtype dtype) const;  // lead + tail
};
Batch as_batch(const Tensor& a);
// A tensor of sizes lead + tail, seen as [b] + tail.
fl_tensor flat(Geometry& g, const Tensor& t, const Batch& b, IntList tail);
// LinAlgError for the first matrix of the batch that went wrong.
void check_info(const char* op, const Tensor& info, const char* what);

}  // namespace fl
