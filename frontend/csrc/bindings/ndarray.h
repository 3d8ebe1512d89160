// NumPy's arrays through its own table of functions, which it keeps stable; the table
// is read when an array is first met, so that NumPy is never imported for it.
#pragma once

#include "bindings/python.h"

namespace fl::py {

struct ArrayView {
  void* data;
  Dtype dtype;
  int ndim;
  const Py_ssize_t* sizes;
  const Py_ssize_t* strides;  // in bytes
};
// The memory of a plain, writable ndarray of a dtype that we have; false for others.
bool view_array(PyObject* o, ArrayView& out);
// A new array over the memory of `t`, which `base` (stolen) keeps alive; nullptr when
// NumPy has no such table or no such dtype.
PyObject* make_array(const Tensor& t, PyObject* base);

}  // namespace fl::py
