// Devices, backends, memory and the list of ops, added to the module.
#pragma once

#include "bindings/python.h"

namespace fl::py {

void init_runtime(PyObject* module);
void init_streams(PyObject* module);
void init_kernels(PyObject* module);
void init_python_backends(PyObject* module);
// The runtime of a device given as a Python object; TypeError names `op`.
DeviceRuntime& runtime_of(PyObject* device, const char* op);

}  // namespace fl::py
