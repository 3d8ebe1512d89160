// Tensors from Python's data, and back.
#pragma once

#include <optional>

#include "bindings/python.h"

namespace fl::py {

// A new tensor with the values of a number, nested lists, an array or a tensor.
Tensor tensor_from(PyObject* data, std::optional<Dtype> dtype, DeviceRuntime& device);
// Shares the memory of an object with the buffer protocol or __array_interface__.
Tensor tensor_from_numpy(PyObject* array);
bool has_array(PyObject* o);
// The dtype that NumPy calls `name`.
bool dtype_from_name(const char* name, Dtype& out);
PyObject* to_list(const Tensor& t);
// One element as Python's number.
PyObject* to_number(const Scalar& s);
// A NumPy array over the tensor's memory; checks nothing.
PyObject* to_numpy(const Tensor& t);
// The runtime of any device whose memory the host can read.
DeviceRuntime& host_runtime();
// The tensor itself when the host can read its memory, else a copy there.
Tensor on_host(const Tensor& t);
Tensor to_device(const Tensor& t, DeviceRuntime& device);

// METH_FASTCALL | METH_KEYWORDS functions of the module.
extern PyMethodDef data_functions[];
PyObject* dlpack_export(PyObject* self, PyObject* const* args, Py_ssize_t n,
                        PyObject* kwnames);
PyObject* dlpack_device(PyObject* self, PyObject*);
PyObject* from_dlpack(PyObject*, PyObject* const* args, Py_ssize_t n,
                      PyObject* kwnames);

}  // namespace fl::py
