// Reading and writing parts of tensors.
#pragma once

#include "bindings/python.h"

namespace fl::py {

// t[index]: a view, or a gathered copy when the index holds tensors, lists or masks.
Tensor get_item(const Tensor& t, PyObject* index);
// t[index] = value.
void set_item(const Tensor& t, PyObject* index, PyObject* value);

}  // namespace fl::py
