// Storages from Python.
#pragma once

#include "bindings/python.h"

namespace fl::py {

extern PyMethodDef storage_functions[];
PyObject* tensor_set(PyObject* self, PyObject* const* args, Py_ssize_t n,
                     PyObject* kwnames);
PyObject* tensor_resize(PyObject* self, PyObject* const* args, Py_ssize_t n,
                        PyObject* kwnames);
// Gives `t` the storage of `source` under another geometry.
void set_storage(const Tensor& t, const Tensor& source, IntList sizes, IntList strides,
                 int64_t offset);

}  // namespace fl::py
