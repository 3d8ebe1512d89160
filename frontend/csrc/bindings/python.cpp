// Errors across the border between C++ and Python.
#include "bindings/python.h"

#include <new>

#include "bindings/errors.h"

namespace fl::py {

PyObject* OutOfMemoryError = nullptr;
PyObject* AcceleratorError = nullptr;
PyObject* LinAlgError = nullptr;

namespace {

PyObject* python_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Type:
      return PyExc_TypeError;
    case ErrorKind::Value:
      return PyExc_ValueError;
    case ErrorKind::Index:
      return PyExc_IndexError;
    case ErrorKind::NotImplemented:
      return PyExc_NotImplementedError;
    case ErrorKind::OutOfMemory:
      return OutOfMemoryError;
    case ErrorKind::Accelerator:
      return AcceleratorError;
    case ErrorKind::LinAlg:
      return LinAlgError;
    case ErrorKind::ZeroDivision:
      return PyExc_ZeroDivisionError;
    case ErrorKind::Attribute:
      return PyExc_AttributeError;
    default:
      return PyExc_RuntimeError;
  }
}

}  // namespace

namespace {
thread_local PyObject* t_cause = nullptr;

void set_with_cause(PyObject* type, const char* text) {
  PyObject* cause = take_cause();
  if (cause && !PyErr_GivenExceptionMatches(cause, PyExc_Exception)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(cause)), cause);
    Py_DECREF(cause);
    return;
  }
  PyErr_SetString(type, text);
  if (!cause) return;
  PyObject *t, *value, *trace;
  PyErr_Fetch(&t, &value, &trace);
  PyErr_NormalizeException(&t, &value, &trace);
  PyException_SetCause(value, cause);  // steals
  PyErr_Restore(t, value, trace);
}
}  // namespace

void keep_cause(PyObject* exception) noexcept {
  Py_XDECREF(std::exchange(t_cause, exception));
}
PyObject* take_cause() noexcept { return std::exchange(t_cause, nullptr); }

void throw_python() { throw Error(ErrorKind::PythonSet, ""); }

void set_error() noexcept {
  try {
    throw;
  } catch (const Error& e) {
    if (e.kind == ErrorKind::PythonSet && PyErr_Occurred()) return;
    set_with_cause(python_type(e.kind), e.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
  }
}

std::string text_of(PyObject* s) {
  Py_ssize_t n;
  const char* p = PyUnicode_AsUTF8AndSize(s, &n);
  if (!p) throw_python();
  return std::string(p, static_cast<size_t>(n));
}

std::string str_of(PyObject* o) {
  Handle s = own(PyObject_Str(o));
  return text_of(s.get());
}

void add_object(PyObject* module, const char* name, PyObject* value) {
  Handle v = own(value);
  need(PyObject_SetAttrString(module, name, v.get()));
}

Handle import_name(const char* module, const char* name) {
  Handle m = own(PyImport_ImportModule(module));
  return own(PyObject_GetAttrString(m.get(), name));
}

void init_errors(PyObject* module) {
  OutOfMemoryError = need(PyErr_NewExceptionWithDoc(
      "flambeau.OutOfMemoryError", "A device has no memory left for a tensor.",
      PyExc_RuntimeError, nullptr));
  LinAlgError = need(PyErr_NewExceptionWithDoc(
      "flambeau.linalg.LinAlgError",
      "A matrix lacks a property that was asked for: it is singular, or not positive "
      "definite.",
      PyExc_RuntimeError, nullptr));
  AcceleratorError = need(PyErr_NewExceptionWithDoc(
      "flambeau.AcceleratorError",
      "A device is lost, or work that it was given earlier failed.", PyExc_RuntimeError,
      nullptr));
  add_object(module, "AcceleratorError", Py_NewRef(AcceleratorError));
  add_object(module, "OutOfMemoryError", Py_NewRef(OutOfMemoryError));
  add_object(module, "_LinAlgError", Py_NewRef(LinAlgError));
}

}  // namespace fl::py
