// A kernel written in Python: how its one argument is made, and what its exceptions
// mean.
#pragma once

#include "bindings/python.h"

namespace fl::py {

struct PyDeviceHandle {
  PyObject* backend;
  PyObject* object;  // what the backend's `open` returned
  bool host_memory;  // operands are given as arrays
};

// fl_kernel_info.context of a kernel in Python.
struct PyKernel {
  PyObject* function;
  PyObject* op;  // its name
};
fl_status run_python_kernel(const fl_call* call);

// The number of a dtype from its name or its object; throws.
int dtype_number(PyObject* dtype);

// For the exception that is set: its status, and its text as the message that goes
// with it. It is kept to become the cause of the error that the host raises.
fl_status status_of_exception() noexcept;
// Where nothing can be raised: writes the kept exception to standard error.
void report_cause(const char* where) noexcept;

void init_python_call(PyObject* module);

}  // namespace fl::py
