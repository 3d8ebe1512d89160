// The lines of tensors along one dimension: where line i begins in each operand.
#pragma once

#include "kernels/elements.h"

namespace simulated {

// The shape of an operand without one dimension, and the length along that.
struct Lines {
  Shape shape;  // of the other dimensions
  int dim;      // as counted from the front; -1 where there are no dimensions
  int64_t length;
};

inline Lines lines_of(const fl_tensor& t, int64_t dim) {
  Lines l;
  l.dim = t.ndim == 0 ? -1 : static_cast<int>(dim < 0 ? dim + t.ndim : dim);
  l.length = t.ndim == 0 ? 1 : t.sizes[l.dim];
  for (int d = 0; d < t.ndim; ++d) {
    if (d != l.dim) l.shape.add(t.sizes[d]);
  }
  return l;
}

// An operand seen line by line: `view` walks over lines, `step` along one.
struct LineView {
  View view;
  int64_t step;
};

inline LineView line_view(const fl_tensor& t, const Lines& l) {
  LineView v;
  v.view.data = t.data;
  v.view.dtype = t.dtype;
  v.step = l.dim < 0 ? 0 : t.strides[l.dim];
  int to = 0;
  for (int d = 0; d < t.ndim; ++d) {
    if (d != l.dim) v.view.strides[to++] = t.strides[d];
  }
  return v;
}

}  // namespace simulated
