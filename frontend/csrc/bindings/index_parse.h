// An index taken apart: a view, and index tensors for the dimensions of that view.
#pragma once

#include "bindings/python.h"

namespace fl::py {

struct IndexParts {
  Tensor view;
  // One per dimension of the view, undefined where all is taken; empty when the index
  // is a view alone.
  std::vector<Tensor> indices;
};
IndexParts parse_index(const Tensor& t, PyObject* index);

}  // namespace fl::py
