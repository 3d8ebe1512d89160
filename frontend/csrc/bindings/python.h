// What all bindings share: owned references to Python objects, and the border between
// C++ exceptions and Python's.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <structseq.h>

#include <cstring>
#include <utility>

#include "tensor/tensor.h"

namespace fl::py {

// An owned reference.
class Handle {
 public:
  Handle() = default;
  Handle(Handle&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  Handle& operator=(Handle&& o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  Handle(const Handle&) = delete;
  ~Handle() { Py_XDECREF(p_); }
  static Handle steal(PyObject* p) {
    Handle h;
    h.p_ = p;
    return h;
  }
  static Handle borrow(PyObject* p) {
    Py_XINCREF(p);
    return steal(p);
  }
  PyObject* get() const { return p_; }
  PyObject* release() { return std::exchange(p_, nullptr); }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};

// Leaves C++ with the Python exception that is already set.
[[noreturn]] void throw_python();
// Steals; throws when a call into Python failed.
inline Handle own(PyObject* p) {
  if (!p) [[unlikely]] {
    throw_python();
  }
  return Handle::steal(p);
}
inline PyObject* need(PyObject* p) {
  if (!p) [[unlikely]] {
    throw_python();
  }
  return p;
}
inline void need(int status) {
  if (status < 0) [[unlikely]] {
    throw_python();
  }
}

// An exception of Python code below a kernel, kept until the error of the op is set:
// then it becomes its cause.  One that is no Exception (an interrupt) takes its place.
void keep_cause(PyObject* exception) noexcept;  // steals
PyObject* take_cause() noexcept;                // a new reference, or nullptr

// Turns the exception in flight into Python's; for catch blocks.
void set_error() noexcept;

// Runs the body of an entry point from Python.
template <class F>
PyObject* guard(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_error();
    return nullptr;
  }
}
template <class F>
int guard_int(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_error();
    return -1;
  }
}

// The value of an int of one digit, as nearly all are; false for any other object.
inline bool small_int(PyObject* o, int64_t& out) {
  if (!PyLong_CheckExact(o)) return false;
  const auto* i = reinterpret_cast<PyLongObject*>(o);
#if PY_VERSION_HEX >= 0x030C0000
  if (!PyUnstable_Long_IsCompact(i)) return false;
  out = PyUnstable_Long_CompactValue(i);
#else
  const Py_ssize_t digits = Py_SIZE(o);  // negative for negative numbers
  if (digits < -1 || digits > 1) return false;
  out = digits * static_cast<int64_t>(i->ob_digit[0]);
#endif
  return true;
}

inline PyObject* none() { return Py_NewRef(Py_None); }
inline PyObject* boolean(bool v) { return Py_NewRef(v ? Py_True : Py_False); }
inline PyObject* string(std::string_view s) {
  return PyUnicode_FromStringAndSize(s.data(), static_cast<Py_ssize_t>(s.size()));
}
// The text of a str; throws when it is none.
std::string text_of(PyObject* s);
// str() of an object, for messages.
std::string str_of(PyObject* o);
// The name of an object's type, found only when it is read: arguments of check() cost
// nothing then.
struct TypeText {
  PyObject* object;  // borrowed
  operator const char*() const {
    const char* name = Py_TYPE(object)->tp_name;
    const char* dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
  }
};
inline std::ostream& operator<<(std::ostream& s, const TypeText& t) {
  return s << static_cast<const char*>(t);
}
inline TypeText type_of(PyObject* o) { return {o}; }

// Adds a new reference to a module or type; throws.
void add_object(PyObject* module, const char* name, PyObject* value);

using FastFunction = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t);
using FastKeywords = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
inline PyCFunction as_function(FastFunction f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}
inline PyCFunction as_function(FastKeywords f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}
inline PyCFunction as_function(PyCFunctionWithKeywords f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

// The extension module, for imports of its own package.
PyObject* module();
// `flambeau.<module>.<name>`, imported at the first use.
Handle import_name(const char* module, const char* name);

}  // namespace fl::py
