// Conversions of single Python objects to the types that schemas name.
#include <cstring>

#include "bindings/parse.h"
#include "bindings/types.h"

namespace fl::py {

bool is_numpy(PyObject* o) { return strncmp(Py_TYPE(o)->tp_name, "numpy.", 6) == 0; }

bool is_numpy_scalar(PyObject* o) {
  return is_numpy(o) && Py_TYPE(o)->tp_as_number &&
         strcmp(Py_TYPE(o)->tp_name, "numpy.ndarray") != 0 &&
         strcmp(Py_TYPE(o)->tp_name, "numpy.dtype") != 0;
}

namespace {

inline int64_t long_value(PyObject* o) {
  int overflow = 0;
  const int64_t v = PyLong_AsLongLongAndOverflow(o, &overflow);
  if (overflow) [[unlikely]] {
    fail(ErrorKind::Runtime, "Overflow when unpacking long: ", str_of(o),
         " does not fit into 64 bits");
  }
  return v;
}

bool single_value(PyObject* o, Scalar& out) {
  TensorImpl* t = impl_of(o);
  if (t->ndim != 0 && t->numel != 1) return false;
  out = item(Tensor(t));
  return true;
}

}  // namespace

bool as_any_int(PyObject* o, int64_t& out) {
  if (PyLong_Check(o)) [[likely]] {
    out = long_value(o);
    return true;
  }
  if (is_tensor(o)) {
    Scalar s;
    if (!is_integral(impl_of(o)->dtype) || !single_value(o, s)) return false;
    out = s.to_int();
    return true;
  }
  if (!PyIndex_Check(o) || (is_numpy(o) && !is_numpy_scalar(o))) return false;
  Handle i = Handle::steal(PyNumber_Index(o));
  if (!i) {
    PyErr_Clear();
    return false;
  }
  out = long_value(i.get());
  return true;
}

bool as_float(PyObject* o, double& out) {
  if (PyFloat_Check(o)) [[likely]] {
    out = PyFloat_AS_DOUBLE(o);
    return true;
  }
  Scalar s;
  if (is_tensor(o)) {
    if (is_complex(impl_of(o)->dtype) || !single_value(o, s)) return false;
  } else if (PyComplex_Check(o) || !as_number(o, s)) {
    return false;
  }
  out = s.real();
  return true;
}

bool as_number(PyObject* o, Scalar& out) {
  if (PyFloat_Check(o)) [[likely]] {
    out = Scalar(PyFloat_AS_DOUBLE(o));
    return true;
  }
  if (PyBool_Check(o)) {
    out = Scalar(o == Py_True);
    return true;
  }
  if (PyLong_Check(o)) {
    int overflow = 0;
    const int64_t v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) {  // as PyTorch: what does not fit is a float
      const double f = PyLong_AsDouble(o);
      if (f == -1.0 && PyErr_Occurred()) throw_python();
      out = Scalar(f);
    } else {
      out = Scalar(v);
    }
    return true;
  }
  if (PyComplex_Check(o)) {
    out = Scalar(
        std::complex<double>(PyComplex_RealAsDouble(o), PyComplex_ImagAsDouble(o)));
    return true;
  }
  if (!is_numpy_scalar(o)) return false;
  const char* name = Py_TYPE(o)->tp_name + 6;
  if (strncmp(name, "bool", 4) == 0) {
    out = Scalar(PyObject_IsTrue(o) == 1);
    return true;
  }
  if (strncmp(name, "complex", 7) == 0) {
    const Py_complex c = PyComplex_AsCComplex(o);
    if (PyErr_Occurred()) throw_python();
    out = Scalar(std::complex<double>(c.real, c.imag));
    return true;
  }
  if (PyIndex_Check(o)) {
    Handle i = Handle::steal(PyNumber_Index(o));
    if (i) {
      out = Scalar(long_value(i.get()));
      return true;
    }
    PyErr_Clear();
  }
  const double f = PyFloat_AsDouble(o);
  if (f == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    return false;
  }
  out = Scalar(f);
  return true;
}

Scalar scalar_of(PyObject* o, const char* what) {
  Scalar s;
  if (is_tensor(o) ? single_value(o, s) : as_number(o, s)) return s;
  fail(ErrorKind::Type, what, ": expected a number, got ", type_of(o));
}

std::vector<int64_t> ints_of(PyObject* o, const char* what) {
  int64_t one;
  if (as_int(o, one)) return {one};
  check(PyTuple_Check(o) || PyList_Check(o), ErrorKind::Type, what,
        ": expected a tuple of ints, got ", type_of(o));
  std::vector<int64_t> out;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, i);
    int64_t v;
    check(as_int(item, v), ErrorKind::Type, what, ": expected ints, got ",
          type_of(item), " as element ", i);
    out.push_back(v);
  }
  return out;
}

namespace {

bool to_ints(PyObject* o, const Arg& arg, Value& out, Arena& arena) {
  if (PyTuple_Check(o) || PyList_Check(o)) [[likely]] {
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
    int64_t* v = arena.ints(static_cast<size_t>(n));
    for (Py_ssize_t i = 0; i < n; ++i) {
      if (!as_int(PySequence_Fast_GET_ITEM(o, i), v[i])) return false;
    }
    out = Value(IntList(v, static_cast<size_t>(n)));
    return true;
  }
  int64_t one;
  if (arg.repeat > 0 && as_int(o, one)) {
    int64_t* v = arena.ints(static_cast<size_t>(arg.repeat));
    std::fill(v, v + arg.repeat, one);
    out = Value(IntList(v, static_cast<size_t>(arg.repeat)));
    return true;
  }
  return false;
}

bool to_floats(PyObject* o, Value& out, Arena& arena) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  double* v = arena.floats(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    if (!as_float(PySequence_Fast_GET_ITEM(o, i), v[i])) return false;
  }
  out = Value(std::span<const double>(v, static_cast<size_t>(n)));
  return true;
}

bool to_tensors(PyObject* o, const Arg& arg, Value& out, Arena& arena) {
  if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
  const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
  Tensor* v = arena.tensors(static_cast<size_t>(n));
  for (Py_ssize_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(o, i);
    if (is_tensor(item)) [[likely]] {
      v[i] = unwrap(item);
    } else if (!(arg.nullable_items && item == Py_None)) {
      return false;
    }
  }
  out = Value(TensorList(v, static_cast<size_t>(n)));
  return true;
}

bool to_operand(PyObject* o, Value& out) {
  if (PyFloat_CheckExact(o)) [[likely]] {
    out = Value(PyFloat_AS_DOUBLE(o));
    return true;
  }
  Scalar s;
  if (!as_number(o, s)) return false;
  out = Value(s);
  return true;
}

bool to_dim_or_int(PyObject* o, Value& out) {
  int64_t v;
  if (as_int(o, v)) [[likely]] {
    out = Value(v);
    return true;
  }
  MemoryFormat f;  // ops that take a memory format take its number
  if (as_memory_format(o, f)) {
    out = Value(static_cast<int64_t>(f));
    return true;
  }
  return false;
}

}  // namespace

bool convert(PyObject* o, const Arg& arg, Value& out, Arena& arena) {
  if (o == Py_None) {
    out = Value();
    return arg.nullable;
  }
  switch (arg.type) {
    case ArgType::Tensor:
      if (!is_tensor(o)) return false;
      out = Value(impl_of(o));
      return true;
    case ArgType::Operand:
      if (is_tensor(o)) {
        out = Value(impl_of(o));
        return true;
      }
      return to_operand(o, out);
    case ArgType::Tensors:
      return to_tensors(o, arg, out, arena);
    case ArgType::Scalar: {
      Scalar s;
      if (is_tensor(o) ? !single_value(o, s) : !as_number(o, s)) return false;
      out = Value(s);
      return true;
    }
    case ArgType::Int:
      return to_dim_or_int(o, out);
    case ArgType::Float: {
      double v;
      if (!as_float(o, v)) return false;
      out = Value(v);
      return true;
    }
    case ArgType::Bool:
      if (o != Py_True && o != Py_False) {
        if (!is_numpy_scalar(o) || strncmp(type_of(o), "bool", 4) != 0) return false;
        out = Value(PyObject_IsTrue(o) == 1);
        return true;
      }
      out = Value(o == Py_True);
      return true;
    case ArgType::Str: {
      if (!PyUnicode_Check(o)) return false;
      Py_ssize_t n;
      const char* p = PyUnicode_AsUTF8AndSize(o, &n);
      if (!p) throw_python();
      out = Value(std::string_view(p, static_cast<size_t>(n)));
      return true;
    }
    case ArgType::Ints:
      return to_ints(o, arg, out, arena);
    case ArgType::Floats:
      return to_floats(o, out, arena);
    case ArgType::Dtype: {
      Dtype d;
      if (!as_dtype(o, d)) return false;
      out = Value(d);
      return true;
    }
    case ArgType::Device: {
      Device d;
      if (!as_device(o, d)) return false;
      out = Value(d);
      return true;
    }
    case ArgType::Generator:
      if (!is_generator(o)) return false;
      out = Value(reinterpret_cast<PyGenerator*>(o)->value);
      return true;
    case ArgType::Object:
      if (Py_TYPE(o) == LayoutType && o != strided_layout) {
        fail(ErrorKind::NotImplemented,
             "only flambeau.strided is built of the layouts, got ", str_of(o));
      }
      out = Value();
      out.tag = Tag::Object;
      out.object = o;
      return true;
  }
  return false;
}

std::string expected_type(const Arg& arg) {
  std::string s;
  switch (arg.type) {
    case ArgType::Tensor:
      s = "Tensor";
      break;
    case ArgType::Tensors:
      s = "tuple of Tensors";
      break;
    case ArgType::Operand:
      s = "Tensor or Number";
      break;
    case ArgType::Scalar:
      s = "Number";
      break;
    case ArgType::Int:
      s = "int";
      break;
    case ArgType::Float:
      s = "float";
      break;
    case ArgType::Bool:
      s = "bool";
      break;
    case ArgType::Str:
      s = "str";
      break;
    case ArgType::Ints:
      s = arg.repeat ? "int or tuple of ints" : "tuple of ints";
      break;
    case ArgType::Floats:
      s = "tuple of floats";
      break;
    case ArgType::Dtype:
      s = "dtype";
      break;
    case ArgType::Device:
      s = "device";
      break;
    case ArgType::Generator:
      s = "Generator";
      break;
    case ArgType::Object:
      s = "object";
      break;
  }
  return arg.nullable ? s + " or None" : s;
}

}  // namespace fl::py
