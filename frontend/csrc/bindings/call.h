// The callables of ops: functions of `_C._ops` and its sisters, and methods of Tensor.
#pragma once

#include "bindings/parse.h"
#include "bindings/types.h"

namespace fl::py {

// What one Python name calls: overloads in the order in which they are tried.
struct Callable {
  std::string space, name;
  bool method = false;
  bool inplace = false;
  std::vector<const Overload*> overloads;
};

struct PyOp {
  PyObject_HEAD vectorcallfunc vectorcall;
  const Callable* callable;
};

PyObject* invoke(const Callable& c, PyObject* const* args, Py_ssize_t n,
                 PyObject* kwnames);

// The outputs of a finished call as Python has them.
PyObject* wrap_result(Frame& f);
PyObject* wrap_value(const Value& v);
// The named tuple of an op with several named outputs.
PyTypeObject* return_type(const Op& op);
// The same values laid out in a memory format; a composition of ops.
Tensor in_format(const Tensor& t, MemoryFormat format);
bool is_in_format(const Tensor& t, MemoryFormat format);

void init_ops(PyObject* module);

}  // namespace fl::py
