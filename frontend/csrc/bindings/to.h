// Conversions of tensors: Tensor.to and its short forms.
#pragma once

#include "bindings/python.h"

namespace fl::py {

PyObject* tensor_to(PyObject* self, PyObject* const* args, Py_ssize_t n,
                    PyObject* kwnames);
PyObject* tensor_type(PyObject* self, PyObject* const* args, Py_ssize_t n,
                      PyObject* kwnames);
PyObject* tensor_cpu(PyObject* self, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames);
PyObject* tensor_cuda(PyObject* self, PyObject* const* args, Py_ssize_t n,
                      PyObject* kwnames);
PyObject* tensor_convert(PyObject* self, Dtype to, PyObject* const* args, Py_ssize_t n,
                         PyObject* kwnames);
template <Dtype to>
PyObject* tensor_as(PyObject* self, PyObject* const* args, Py_ssize_t n,
                    PyObject* kwnames) {
  return tensor_convert(self, to, args, n, kwnames);
}

}  // namespace fl::py
