// The argument of kernels written in Python: operands as NumPy arrays or as records,
// attributes by number.
#include "bindings/python_call.h"

#include <pybind11/numpy.h>

#include "bindings/data.h"
#include "bindings/types.h"
#include "flambeau/iter.h"

namespace fl::py {

namespace {

namespace pb = pybind11;

// ---- dtypes
// -----------------------------------------------------------------------------
constexpr const char* kNames[] = {"bool",    "uint8",   "int8",      "int16",
                                  "int32",   "int64",   "float16",   "bfloat16",
                                  "float32", "float64", "complex64", "complex128"};

PyObject* name_object(int dtype) {
  static PyObject* names[FL_DTYPE_COUNT] = {};
  if (!names[dtype]) names[dtype] = need(PyUnicode_InternFromString(kNames[dtype]));
  return names[dtype];
}

// NumPy's, kept; bfloat16 goes by its bits.
PyObject* numpy_dtype(int dtype) {
  static PyObject* dtypes[FL_DTYPE_COUNT] = {};
  if (!dtypes[dtype]) {
    const char* name = dtype == FL_BFLOAT16 ? "uint16" : kNames[dtype];
    dtypes[dtype] = pb::dtype(name).release().ptr();
  }
  return dtypes[dtype];
}

// ---- operands
// ---------------------------------------------------------------------------
PyObject* array_of(const fl_tensor& t) {
  constexpr int kWriteable = 0x0400;
  auto& numpy = pb::detail::npy_api::get();
  const bool scalar = t.flags & FL_HOST_SCALAR;
  const int ndim = scalar ? 0 : t.ndim;
  Py_intptr_t shape[kMaxDims], strides[kMaxDims];
  const int64_t item = item_size(static_cast<Dtype>(t.dtype));
  for (int d = 0; d < ndim; ++d) {
    shape[d] = t.sizes[d];
    strides[d] = t.strides[d] * item;
  }
  // NumPy makes an array of its own memory for a null pointer: nothing lies here.
  static char nothing[16];
  void* data = t.data ? t.data : nothing;
  return need(numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_,
                                          Py_NewRef(numpy_dtype(t.dtype)), ndim, shape,
                                          strides, data, kWriteable, nullptr));
}

PyTypeObject* OperandType = nullptr;

PyObject* ints_of(const int64_t* values, int n) {
  PyObject* out = need(PyTuple_New(n));
  for (int i = 0; i < n; ++i) {
    PyTuple_SET_ITEM(out, i, PyLong_FromLongLong(values[i]));
  }
  return out;
}

PyObject* record_of(const fl_tensor& t) {
  const bool scalar = t.flags & FL_HOST_SCALAR;
  Handle out = own(PyStructSequence_New(OperandType));
  const int ndim = scalar ? 0 : t.ndim;
  PyObject* value =
      scalar ? to_number(Scalar::load(static_cast<Dtype>(t.dtype), t.data)) : none();
  PyObject* fields[] = {PyLong_FromVoidPtr(scalar ? nullptr : t.data),
                        ints_of(t.sizes, ndim), ints_of(t.strides, ndim),
                        Py_NewRef(name_object(t.dtype)), value};
  for (int i = 0; i < 5; ++i) PyStructSequence_SetItem(out.get(), i, fields[i]);
  return out.release();
}

Handle operands_of(const fl_tensor* t, int n, bool arrays) {
  Handle out = own(PyTuple_New(n));
  for (int i = 0; i < n; ++i) {
    PyObject* o = t[i].ndim < 0 && !(t[i].flags & FL_HOST_SCALAR) ? none()
                  : arrays                                        ? array_of(t[i])
                                                                  : record_of(t[i]);
    PyTuple_SET_ITEM(out.get(), i, o);
  }
  return out;
}

// ---- the call
// ---------------------------------------------------------------------------
struct PyCall {
  PyObject_HEAD const fl_call* call;  // nullptr once the kernel has returned
  PyObject *op, *device, *outputs, *inputs;
};
PyTypeObject* CallType = nullptr;

PyCall* as_call(PyObject* o) { return reinterpret_cast<PyCall*>(o); }

const fl_call& live(PyObject* self) {
  const fl_call* c = as_call(self)->call;
  check(c != nullptr, "this call is over: its kernel has returned");
  return *c;
}

const fl_attr& attribute(PyObject* self, PyObject* k) {
  const fl_call& c = live(self);
  const long i = PyLong_AsLong(k);
  if (i == -1 && PyErr_Occurred()) throw_python();
  check(i >= 0 && i < c.n_attr, ErrorKind::Index, c.op, ": attribute ", i, " of ",
        c.n_attr);
  return c.attr[i];
}

PyObject* get_i(PyObject* self, PyObject* k) {
  return guard([&] { return PyLong_FromLongLong(attribute(self, k).v.i); });
}
PyObject* get_f(PyObject* self, PyObject* k) {
  return guard([&] { return PyFloat_FromDouble(attribute(self, k).v.f); });
}
PyObject* get_c(PyObject* self, PyObject* k) {
  return guard([&] {
    const fl_attr& a = attribute(self, k);
    return PyComplex_FromDoubles(a.v.c[0], a.v.c[1]);
  });
}
PyObject* get_ints(PyObject* self, PyObject* k) {
  return guard([&] {
    const fl_attr& a = attribute(self, k);
    PyObject* out = need(PyList_New(a.count));
    for (int64_t i = 0; i < a.count; ++i) {
      PyList_SET_ITEM(out, i, PyLong_FromLongLong(a.v.ints[i]));
    }
    return out;
  });
}
PyObject* get_n_attr(PyObject* self, void*) {
  return guard([&] { return PyLong_FromLong(live(self).n_attr); });
}
PyObject* get_stream(PyObject* self, void*) {
  return guard([&] { return PyLong_FromVoidPtr(live(self).stream); });
}
PyObject* get_dtypes(PyObject* self, void*) {
  return guard([&] {
    const fl_call& c = live(self);
    PyObject* out = need(PyTuple_New(c.n_out + c.n_in));
    for (int i = 0; i < c.n_out + c.n_in; ++i) {
      const fl_tensor& t = i < c.n_out ? c.out[i] : c.in[i - c.n_out];
      const bool absent = t.ndim < 0 && !(t.flags & FL_HOST_SCALAR);
      PyTuple_SET_ITEM(out, i, absent ? string("") : Py_NewRef(name_object(t.dtype)));
    }
    return out;
  });
}

void call_dealloc(PyObject* self) {
  PyCall* c = as_call(self);
  Py_XDECREF(c->op);
  Py_XDECREF(c->device);
  Py_XDECREF(c->outputs);
  Py_XDECREF(c->inputs);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef call_methods[] = {
    {"i", get_i, METH_O, "Attribute k as int."},
    {"f", get_f, METH_O, "Attribute k as float."},
    {"c", get_c, METH_O, "Attribute k as complex."},
    {"ints", get_ints, METH_O, "Attribute k as a list of int."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef call_getset[] = {
    {"n_attr", get_n_attr, nullptr, "How many attributes there are.", nullptr},
    {"stream", get_stream, nullptr, "The stream as an int; 0: the default.", nullptr},
    {"dtypes", get_dtypes, nullptr, "Names of the operands' dtypes.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMemberDef call_members[] = {
    {"op", T_OBJECT, offsetof(PyCall, op), READONLY, "The kernel's name."},
    {"device", T_OBJECT, offsetof(PyCall, device), READONLY, "What `open` gave."},
    {"outputs", T_OBJECT, offsetof(PyCall, outputs), READONLY, "To be written."},
    {"inputs", T_OBJECT, offsetof(PyCall, inputs), READONLY, "To be read."},
    {nullptr, 0, 0, 0, nullptr}};

void call_function(const fl_call* call) {
  const auto& kernel = *static_cast<const PyKernel*>(call->context);
  const auto& device = *static_cast<const PyDeviceHandle*>(call->device);
  Handle c = own(CallType->tp_alloc(CallType, 0));
  PyCall* fields = as_call(c.get());
  fields->call = call;
  fields->op = Py_NewRef(kernel.op);
  fields->device = Py_NewRef(device.object);
  fields->outputs = operands_of(call->out, call->n_out, device.host_memory).release();
  fields->inputs = operands_of(call->in, call->n_in, device.host_memory).release();
  PyObject* result = PyObject_CallOneArg(kernel.function, c.get());
  fields->call = nullptr;
  own(result);
}

// ---- exceptions
// ---------------------------------------------------------------------------
bool is_instance(PyObject* o, const char* module, const char* name) {
  const pb::handle modules = PyImport_GetModuleDict();
  PyObject* m = PyDict_GetItemString(modules.ptr(), module);
  if (!m) return false;
  Handle type = own(PyObject_GetAttrString(m, name));
  return PyObject_IsInstance(o, type.get()) > 0;
}

fl_status status_of(PyObject* exception) {
  if (PyErr_GivenExceptionMatches(exception, PyExc_NotImplementedError)) {
    return FL_UNSUPPORTED;
  }
  if (PyErr_GivenExceptionMatches(exception, PyExc_MemoryError)) {
    return FL_OUT_OF_MEMORY;
  }
  if (PyErr_GivenExceptionMatches(exception, PyExc_IndexError)) return FL_INDEX_ERROR;
  if (is_instance(exception, "numpy.linalg", "LinAlgError")) return FL_LINALG_ERROR;
  return FL_ERROR;
}

std::string text_of_exception(PyObject* exception, fl_status status) {
  // The core gives this one PyTorch's form.
  if (PyErr_GivenExceptionMatches(exception, PyExc_ZeroDivisionError)) {
    return "ZeroDivisionError";
  }
  const std::string text = str_of(exception);
  return status == FL_ERROR ? concat(type_of(exception), ": ", text) : text;
}

PyStructSequence_Field operand_fields[] = {
    {"address", "Of the first element, an int."},          {"shape", "Sizes."},
    {"strides", "In elements; 0 where broadcast."},        {"dtype", "Its name."},
    {"value", "Of a host scalar: the number; else None."}, {nullptr, nullptr}};
PyStructSequence_Desc operand_description = {
    "flambeau.backends.Operand", "An operand of a kernel that is not in host memory.",
    operand_fields, 5};

}  // namespace

int dtype_number(PyObject* dtype) {
  if (is_dtype(dtype))
    return static_cast<int>(reinterpret_cast<PyDtype*>(dtype)->value);
  const std::string name = str_of(dtype);
  for (int i = 0; i < FL_DTYPE_COUNT; ++i) {
    if (name == kNames[i]) return i;
  }
  fail(ErrorKind::Value, "expected the name of a dtype, got '", name, "'");
}

fl_status status_of_exception() noexcept {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace) PyException_SetTraceback(value, trace);
  Py_XDECREF(type);
  Py_XDECREF(trace);
  fl_status status = FL_ERROR;
  try {
    status = status_of(value);
    host_table().set_error(text_of_exception(value, status).c_str());
  } catch (...) {
    PyErr_Clear();  // its own __str__ raises: the exception itself is kept below
    host_table().set_error("an exception that has no text");
  }
  if (status == FL_UNSUPPORTED) {
    Py_XDECREF(value);
  } else {
    keep_cause(value);
  }
  return status;
}

void report_cause(const char* where) noexcept {
  PyObject* cause = take_cause();
  if (!cause) return;
  PyErr_Restore(Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(cause))), cause,
                PyException_GetTraceback(cause));
  Handle name = Handle::steal(PyUnicode_FromString(where));
  PyErr_WriteUnraisable(name.get());
}

fl_status run_python_kernel(const fl_call* call) {
  const PyGILState_STATE state = PyGILState_Ensure();
  keep_cause(nullptr);  // of an earlier call that was tried again
  fl_status status = FL_OK;
  try {
    call_function(call);
  } catch (pb::error_already_set& e) {
    e.restore();
    status = status_of_exception();
  } catch (...) {
    set_error();
    status = status_of_exception();
  }
  PyGILState_Release(state);
  return status;
}

void init_python_call(PyObject* module) {
  OperandType = PyStructSequence_NewType(&operand_description);
  if (!OperandType) throw_python();
  add_object(module, "_Operand", Py_NewRef(reinterpret_cast<PyObject*>(OperandType)));
  PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(call_dealloc)},
                         {Py_tp_methods, call_methods},
                         {Py_tp_getset, call_getset},
                         {Py_tp_members, call_members},
                         {0, nullptr}};
  PyType_Spec spec = {"flambeau.backends.KernelCall", sizeof(PyCall), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  CallType = reinterpret_cast<PyTypeObject*>(need(PyType_FromSpec(&spec)));
}

}  // namespace fl::py
