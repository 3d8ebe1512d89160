// Advanced indexing: which dimensions are indexed by what, and what shape comes out.
#pragma once

#include <vector>

#include "ops/reduction.h"

namespace fl {

// Coordinates of what is not zero, one row each.
Tensor nonzero_rows(const Tensor& self);

struct IndexPlan {
  Dims dims;                  // indexed ones
  std::vector<Tensor> index;  // int64, one for each; masks are already coordinates
  Dims sizes_of, strides_of;  // of the indexed dims
  Dims sizes, strides;        // of the result; of self, 0 where indices run
  int64_t first = 0, shape_dims = 0;  // where the indices' shape stands in the result

  IndexPlan(const char* op, const Tensor& self, TensorList given);
  void index_strides(size_t k, int64_t* to) const;

 private:
  void add(const char* op, const Tensor& self, const Tensor& t);
  void lay_out(const Tensor& self, IntList shape);
  int64_t next_ = 0;
};

}  // namespace fl
